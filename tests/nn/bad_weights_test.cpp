// Damaged checkpoints of a model: refused as a whole, and the model keeps the weights it has.
#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "nn/nn.h"
#include "tests/data/files.h"

namespace gradus::test {
namespace {

std::vector<double> weights_of(const nn::Module& module) {
  std::vector<double> out;
  for (const Variable& variable : module.variables())
    for (const double v : variable.value().to_vector<double>()) out.push_back(v);
  return out;
}

TEST_CASE("CVE-2021-37639: a checkpoint cut short or changed in any byte never leaves a half-loaded model") {
  const Folder folder;
  const std::string path = folder / "model.safetensors";
  nn::Sequential model{nn::Dense(2, {.name = "a"}), nn::Dense(1, {.name = "b"})};
  model.build({-1, 2});
  nn::save_weights(model, path);
  const std::string good = read_file(path);
  const std::vector<double> before = weights_of(model);

  for (size_t n = 0; n < good.size(); ++n) {
    INFO("the first ", n, " of ", good.size(), " bytes");
    write_file(path, good.substr(0, n));
    CHECK_THROWS_AS(nn::load_weights(model, path), Error);
    CHECK(weights_of(model) == before);
  }
  for (size_t at = 0; at < good.size(); ++at)
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string file = good;
      file[at] = static_cast<char>(file[at] ^ change);
      INFO("byte ", at, " changed by ", change);
      write_file(path, file);
      nn::Sequential other{nn::Dense(2, {.name = "a"}), nn::Dense(1, {.name = "b"})};
      other.build({-1, 2});
      const std::vector<double> own = weights_of(other);
      try {
        nn::load_weights(other, path);  // changed data cannot be told from data
        CHECK(weights_of(other).size() == before.size());
      } catch (const Error&) {
        CHECK(weights_of(other) == own);
      }
    }
}

TEST_CASE("TFSA-2020-013: layer names full of conversion marks") {
  const Folder folder;
  const std::string nasty = "%s%n {} {0:n}", path = folder / "model";
  nn::Sequential model{nn::Dense(2, {.name = nasty})};
  model.build({-1, 2});
  nn::save_weights(model, path);
  nn::load_weights(model, path);
  nn::Sequential other{nn::Dense(3, {.name = nasty})};
  other.build({-1, 2});
  CHECK(contains(message<ValueError>([&] { nn::load_weights(other, path); }), nasty));
  std::ostringstream summary;
  model.summary(summary);
  CHECK(contains(summary.str(), nasty));
}

}  // namespace
}  // namespace gradus::test
