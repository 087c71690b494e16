// Saving and loading weights: exact, strict, all or nothing.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "data/safetensors.h"
#include "nn/nn.h"

using namespace gradus;

namespace {

/// A file name of this process's own, removed at the end.
struct TemporaryFile {
  std::string path;
  explicit TemporaryFile(const std::string& name)
      : path((std::filesystem::temp_directory_path() / text("gradus_weights_", reinterpret_cast<uintptr_t>(this), "_", name))
                 .string()) {}
  ~TemporaryFile() { std::filesystem::remove(path); }
};

nn::Sequential built(int64_t width) {
  nn::Sequential model{nn::Dense(width, {.activation = nn::tanh}), nn::Dense(2, {.dtype = DType::float64, .name = "head"})};
  model.build({-1, 3});
  return model;
}

std::vector<double> weights_of(const nn::Module& module) {
  std::vector<double> out;
  for (const Variable& variable : module.variables())
    for (const double v : variable.value().to_vector<double>()) out.push_back(v);
  return out;
}

std::string load_error(const nn::Module& module, const std::string& path) {
  try {
    nn::load_weights(module, path);
  } catch (const ValueError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("weights come back bit by bit, under their dotted names") {
  const TemporaryFile file("round_trip");
  random::seed(1);
  const nn::Sequential model = built(4);
  nn::save_weights(model, file.path);
  const auto tensors = data::load_safetensors(file.path).tensors;
  CHECK(tensors.size() == 4);
  CHECK(tensors.at("dense.kernel").dtype() == DType::float32);
  CHECK((tensors.at("dense.kernel").shape() == Shape{3, 4}));
  CHECK(tensors.at("head.bias").dtype() == DType::float64);

  const nn::Sequential other = built(4);
  REQUIRE(weights_of(other) != weights_of(model));
  nn::load_weights(other, file.path);
  CHECK(weights_of(other) == weights_of(model));
}

TEST_CASE("weights that do not fit are refused with a full report, and nothing changes") {
  const TemporaryFile file("mismatch");
  nn::save_weights(built(4), file.path);
  const nn::Sequential other{nn::Dense(5, {.name = "dense"}), nn::Dense(2, {.name = "tail"})};
  const_cast<nn::Sequential&>(other).build({-1, 3});
  const std::vector<double> before = weights_of(other);
  const std::string message = load_error(other, file.path);
  CAPTURE(message);
  for (const char* part :
       {"dense.kernel: got float32 [3, 4], expected float32 [3, 5]", "dense.bias: got float32 [4], expected float32 [5]",
        "tail.kernel: got nothing, expected float32 [5, 2]", "head.kernel: got float64 [4, 2], expected nothing"})
    CHECK(message.find(part) != std::string::npos);
  CHECK(weights_of(other) == before);
}

TEST_CASE("files and modules that cannot be used") {
  const TemporaryFile file("broken");
  nn::Sequential unbuilt{nn::Dense(3), nn::Dense(2)};
  CHECK_THROWS_WITH_AS(nn::save_weights(unbuilt, file.path), doctest::Contains("first call"), ValueError);
  CHECK_FALSE(std::filesystem::exists(file.path));
  CHECK_THROWS_AS(nn::load_weights(built(4), file.path), IoError);
  std::ofstream(file.path) << "not a safetensors file";
  CHECK_THROWS_AS(nn::load_weights(built(4), file.path), IoError);
  CHECK_THROWS_AS(nn::save_weights(built(4), "no_such_folder_here/weights.safetensors"), IoError);

  struct Twice : nn::Module {
    Variable a{zeros({1})}, b{zeros({1})};
    void visit(nn::Visitor& v) override { v("same", a), v("same", b); }
  } twice;
  CHECK_THROWS_WITH_AS(nn::save_weights(twice, file.path), doctest::Contains("same"), ValueError);
}
