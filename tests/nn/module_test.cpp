// Modules: naming, sharing, Sequential's rules.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "autograd/ops.h"
#include "nn/nn.h"

using namespace gradus;

namespace {

struct Block : nn::Module {
  nn::Dense dense{2};
  Variable scale{ones({2})};

  Tensor operator()(const Tensor& x) { return dense(x) * scale; }
  void visit(nn::Visitor& v) override { v("dense", dense), v("scale", scale); }
};

struct Stack : nn::Module {
  std::vector<Block> blocks{3};
  std::vector<Variable> offsets{Variable(zeros({2})), Variable(zeros({2}), {.trainable = false})};
  Block* tied = nullptr;

  void visit(nn::Visitor& v) override {
    v("blocks", blocks), v("offsets", offsets);
    if (tied) v("tied", *tied);
  }
};

std::vector<std::string> names_of(const nn::Module& module) {
  std::vector<std::string> out;
  for (const auto& [name, variable] : module.named_variables()) out.push_back(name);
  return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("variables have dotted names, lists are numbered") {
  Stack stack;
  CHECK(names_of(stack) == Names{"blocks.0.scale", "blocks.1.scale", "blocks.2.scale", "offsets.0", "offsets.1"});
  stack.blocks[1](zeros({1, 4}));
  CHECK(names_of(stack) == Names{"blocks.0.scale", "blocks.1.dense.kernel", "blocks.1.dense.bias", "blocks.1.scale",
                                 "blocks.2.scale", "offsets.0", "offsets.1"});
  CHECK(stack.variables().size() == 7);
  CHECK(stack.trainable_variables().size() == 6);
  CHECK(stack.num_parameters() == 5 * 2 + 8 + 2);
}

TEST_CASE("a variable that is reached twice counts once") {
  Stack stack;
  stack.tied = &stack.blocks[0];
  CHECK(stack.variables().size() == 5);
}

TEST_CASE("copies of a module share its variables, also those made later") {
  Block block;
  Block copy = block;
  block(zeros({1, 3}));
  const auto a = block.variables(), b = copy.variables();
  REQUIRE(a.size() == 3);
  REQUIRE(b.size() == 3);
  for (size_t i = 0; i < 3; ++i) CHECK(a[i].same_as(b[i]));
}

TEST_CASE("Sequential names its layers like Keras") {
  nn::Sequential model{nn::Dense(3), nn::relu, nn::Dense(2), nn::Dense(2, {.name = "head"}), nn::Sequential{nn::Dense(1)}};
  CHECK(model.size() == 5);
  CHECK(model[0].name() == "dense");
  CHECK(model[1].name() == "activation");
  CHECK(model[2].name() == "dense_1");
  model.build({-1, 4});
  CHECK(names_of(model) == Names{"dense.kernel", "dense.bias", "dense_1.kernel", "dense_1.bias", "head.kernel", "head.bias",
                                 "sequential.dense.kernel", "sequential.dense.bias"});
  CHECK(model.variables()[0].name() == "dense.kernel");
  CHECK((model.output_shape({-1, 4}) == Shape{-1, 1}));
  CHECK_THROWS_AS(model[5], ValueError);
  CHECK_THROWS_AS((nn::Sequential{nn::Dense(1, {.name = "a"}), nn::Dense(1, {.name = "a"})}), ValueError);
}

TEST_CASE("Sequential runs its layers in order, nested or not") {
  const nn::Activation plus_one = [](const Tensor& x) { return x + 1; };
  const nn::Activation twice = [](const Tensor& x) { return x * 2; };
  nn::Sequential flat{plus_one, twice, plus_one}, nested{nn::Sequential{plus_one, twice}, plus_one};
  const Tensor x({{1.0, 2.0}});
  CHECK(flat(x).to_vector<double>() == std::vector<double>{5, 7});
  CHECK(nested(x).to_vector<double>() == std::vector<double>{5, 7});
  nn::Sequential grown;
  CHECK_THROWS_AS(grown(x), ValueError);
  grown.add(plus_one);
  grown.add(nested);
  CHECK(grown(x).to_vector<double>() == std::vector<double>{7, 9});
}

TEST_CASE("one Sequential in braces is the same model") {
  nn::Sequential model{nn::Dense(2), nn::Dense(1)};
  nn::Sequential copy{model};
  model(zeros({1, 3}));
  CHECK(copy.size() == 2);
  CHECK(copy.num_parameters() == 3 * 2 + 2 + 2 + 1);
}

TEST_CASE("training mode reaches every layer of a Sequential") {
  nn::Sequential model{nn::linear, nn::Sequential{nn::linear, nn::Dropout(1)}};
  const Tensor x = ones({2, 2});
  CHECK(sum(model(x)).item<double>() == 4);
  CHECK(sum(model(x, true)).item<double>() == 0);
}

TEST_CASE("layers with the output activation left out") {
  nn::Sequential model{nn::Dense(3), nn::Sequential{nn::Dense(2, {.activation = nn::softmax})}};
  const Tensor x({{0.5f, -1.0f}});
  REQUIRE(model.output_activation());
  CHECK(model.output_activation()->same_as(nn::softmax));
  const Tensor direct = model(x), through = softmax(model.logits(x, false));
  CHECK(direct.to_vector<float>() == through.to_vector<float>());
  nn::Sequential plain{nn::Dense(3, {.activation = nn::relu}), nn::Dense(2)};
  CHECK_FALSE(plain.output_activation());
  CHECK(plain(x).to_vector<float>() == plain.logits(x, false).to_vector<float>());
  nn::Sequential standing{nn::Dense(3), nn::sigmoid};
  CHECK(standing.output_activation()->same_as(nn::sigmoid));
}
