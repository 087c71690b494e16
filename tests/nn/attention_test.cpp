// MultiHeadAttention and the embeddings.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "nn/nn.h"
#include "tests/nn/check_layer.h"
#include "tests/nn/values.h"

using namespace gradus;
using doctest::Approx;
using doctest::Contains;
using test::check_layer;
using test::filled;
using test::noise;
using Values = std::vector<double>;

TEST_CASE("MultiHeadAttention gives PyTorch's values") {
  // torch 1.13: nn.MultiheadAttention(4, 2, batch_first=True) in float64, the first sample; plain and causal.
  const std::vector<Values> expected{{-0.11909623730726755, -0.097295628498943965, 0.013958132449528912, 0.11237885079513073,
                                      -0.11598780543686227, -0.096541285344054456, 0.011664847271128941, 0.10914637310043575,
                                      -0.12158196348791853, -0.10214042270293276, 0.011208551670436405, 0.11425243532889072},
                                     {-0.086837367779865338, -0.065597735399761783, 0.015952152387426564, 0.082835704836734816,
                                      -0.104868501387714, -0.058862571904200627, 0.041261334729376438, 0.10344976049915912,
                                      -0.12158196348791853, -0.10214042270293276, 0.011208551670436405, 0.11425243532889072}};
  const Tensor x = filled({2, 3, 4}, [](double i) { return std::cos(i); });
  for (const bool causal : {false, true}) {
    nn::MultiHeadAttention attention(2, 2, {.causal = causal, .dtype = DType::float64});
    attention.build(x.shape());
    const std::vector<nn::NamedVariable> parts = attention.named_variables();
    const std::vector<std::string> names{"query.kernel", "query.bias", "key.kernel",    "key.bias",
                                         "value.kernel", "value.bias", "output.kernel", "output.bias"};
    REQUIRE(parts.size() == names.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      CHECK(parts[i].name == names[i]);
      const auto k = static_cast<double>(i / 2);
      if (i % 2) parts[i].variable.assign(filled({4}, [&](double j) { return 0.1 * std::cos(j + k); }));
      else parts[i].variable.assign(filled({4, 4}, [&](double j) { return 0.5 * std::sin(j + 1 + k); }));
    }
    const Values got = attention(x)[0].to_vector<double>();
    for (size_t i = 0; i < got.size(); ++i) CHECK(got[i] == Approx(expected[causal][i]).epsilon(1e-11));
  }
}

TEST_CASE("attention of queries to other keys and values, against loops") {
  constexpr size_t kHeads = 2, kKey = 3, kValue = 2, kOut = 5, kQueries = 2, kKeys = 4;
  nn::MultiHeadAttention attention(kHeads, kKey, {.value_dim = kValue, .output_dim = kOut, .dtype = DType::float64});
  const Tensor query = noise({1, kQueries, 3}, 1), value = noise({1, kKeys, 2}, 2), key = noise({1, kKeys, 4}, 3);
  const Tensor mask(std::vector<uint8_t>{1, 1, 0, 1, 0, 1, 1, 0}, {kQueries, kKeys});
  const Tensor got = attention.attend(query, value, key, mask.astype(DType::boolean));
  REQUIRE((got.shape() == Shape{1, kQueries, kOut}));
  for (const Variable& v : attention.variables()) v.assign(noise(v.shape(), static_cast<uint64_t>(v.size())));

  std::vector<Values> w;
  for (const Variable& v : attention.variables()) w.push_back(v.value().to_vector<double>());
  const auto project = [&](const Tensor& x, size_t which) {
    const Values in = x.to_vector<double>(), &kernel = w[2 * which], &bias = w[2 * which + 1];
    const size_t width = bias.size(), from = kernel.size() / width;
    Values out(in.size() / from * width);
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = bias[i % width];
      for (size_t k = 0; k < from; ++k) out[i] += in[i / width * from + k] * kernel[k * width + i % width];
    }
    return out;
  };
  const Values q = project(query, 0), k = project(key, 1), v = project(value, 2), m = mask.to_vector<double>();
  Values heads(kQueries * kHeads * kValue);
  for (size_t i = 0; i < kQueries; ++i)
    for (size_t h = 0; h < kHeads; ++h) {
      Values weight(kKeys);
      double total = 0;
      for (size_t j = 0; j < kKeys; ++j) {
        double product = 0;
        for (size_t d = 0; d < kKey; ++d) product += q[(i * kHeads + h) * kKey + d] * k[(j * kHeads + h) * kKey + d];
        total += weight[j] = m[i * kKeys + j] * std::exp(product / std::sqrt(double{kKey}));
      }
      for (size_t d = 0; d < kValue; ++d)
        for (size_t j = 0; j < kKeys; ++j)
          heads[(i * kHeads + h) * kValue + d] += weight[j] / total * v[(j * kHeads + h) * kValue + d];
    }
  const Values expected = project(Tensor(heads, {kQueries, kHeads * kValue}), 3);
  const Values now = attention.attend(query, value, key, mask.astype(DType::boolean)).to_vector<double>();
  for (size_t i = 0; i < now.size(); ++i) CHECK(now[i] == Approx(expected[i]).epsilon(1e-11));

  // Without a mask; keys left out are the values.
  nn::MultiHeadAttention shared(kHeads, kKey, {.dtype = DType::float64});
  CHECK(shared({query, value}).to_vector<double>() == shared({query, value, value}).to_vector<double>());
  CHECK((shared({query, value}).shape() == query.shape()));
  nn::MultiHeadAttention self(kHeads, kKey, {.dtype = DType::float64});
  CHECK(self(query).to_vector<double>() == self({query, query, query}).to_vector<double>());
}

TEST_CASE("MultiHeadAttention keeps the promises of a layer") {
  check_layer(
      [](DType dtype = DType::float64) { return nn::MultiHeadAttention(2, 3, {.dtype = dtype}); },
      {.input = {2, 3, 4}, .output = {2, 3, 4}, .parameters = 3 * (4 * 6 + 6) + 6 * 4 + 4, .refused = {{2, 3}, {2, 3, 5}, {}}});
  check_layer(
      [](DType dtype = DType::float64) {
        return nn::MultiHeadAttention(1, 2, {.value_dim = 3, .output_dim = 2, .use_bias = false, .causal = true, .dtype = dtype});
      },
      {.input = {1, 4, 3}, .output = {1, 4, 2}, .parameters = 2 * 3 * 2 + 3 * 3 + 3 * 2, .refused = {{1, 4, 4}}});
  check_layer(
      [](DType dtype = DType::float64) { return nn::MultiHeadAttention(1, 2, {.dropout = 0.5, .seed = 4, .dtype = dtype}); },
      {.input = {2, 5, 2}, .output = {2, 5, 2}, .parameters = 4 * 6, .random_in_training = true});
}

TEST_CASE("MultiHeadAttention: how it starts, and what it refuses") {
  // Glorot with the fans of Keras' kernel [width, heads, key_dim].
  nn::MultiHeadAttention attention(4, 16);
  attention.build({1, 1, 32});
  const Values kernel = attention.variables()[0].value().to_vector<double>();
  const double limit = std::sqrt(6.0 / (32 * 4 + 32 * 16)), largest = std::ranges::max(kernel);
  CHECK(largest <= limit);
  CHECK(largest > 0.98 * limit);

  CHECK_THROWS_AS(nn::MultiHeadAttention(0, 2), ValueError);
  CHECK_THROWS_AS(nn::MultiHeadAttention(2, 2, {.value_dim = 0}), ValueError);
  CHECK_THROWS_AS(nn::MultiHeadAttention(2, 2, {.dropout = 2}), ValueError);
  CHECK_THROWS_WITH_AS(attention({zeros({1, 2, 32}), zeros({2, 2, 32})}), Contains("expected the same samples"), ShapeError);
  CHECK_THROWS_AS(attention({zeros({1, 2, 32}), zeros({1, 2, 32}), zeros({1, 3, 32})}), ShapeError);
  CHECK_THROWS_AS(attention(std::vector<Tensor>{}), ValueError);
  CHECK_THROWS_AS(attention(std::vector<Tensor>(4, zeros({1, 2, 32}))), ValueError);
  CHECK_THROWS_AS(nn::MultiHeadAttention(1, 2).build({-1, 3, -1}), ShapeError);

  // No queries, no keys: nothing to attend to gives zeros before the last projection.
  CHECK((attention(zeros({2, 0, 32})).shape() == Shape{2, 0, 32}));
  CHECK(attention({ones({1, 2, 32}), zeros({1, 0, 32})}).to_vector<float>() == std::vector<float>(64, 0));

  // In a graph: queries from one input, values from another.
  const nn::Node q = nn::Input({-1, 32}), v = nn::Input({-1, 32});
  nn::Functional model({q, v}, nn::connect(attention, {q, v}));
  CHECK((model.output_shape_of(0) == Shape{-1, -1, 32}));
  CHECK((model.call_all({zeros({3, 2, 32}), zeros({3, 7, 32})}, false)[0].shape() == Shape{3, 2, 32}));
}

TEST_CASE("Embedding takes a row for each integer") {
  nn::Embedding embedding(5, 2, {.dtype = DType::float64});
  CHECK(embedding.variables().empty());
  CHECK((embedding.output_shape({-1, 7}) == Shape{-1, 7, 2}));
  const Tensor x({{4, 0, 4}, {1, 2, 3}});
  nn::Embedding handle = embedding;
  CHECK((embedding(x).shape() == Shape{2, 3, 2}));
  CHECK(handle.num_parameters() == 10);
  CHECK(embedding.named_variables()[0].name == "embeddings");
  embedding.variables()[0].assign(filled({5, 2}, [](double i) { return i; }));
  CHECK(handle(x).to_vector<double>() == Values{8, 9, 0, 1, 8, 9, 2, 3, 4, 5, 6, 7});
  CHECK((embedding(Tensor(std::vector<uint8_t>{3, 1})).shape() == Shape{2, 2}));
  CHECK((embedding(zeros({0, 3}, DType::int64)).shape() == Shape{0, 3, 2}));

  // Rows that are used several times add up; others get nothing.
  GradientTape tape;
  const Values g = tape.gradient(sum(square(embedding(x))) / 2, embedding.variables())[0].to_vector<double>();
  CHECK(g == Values{0, 1, 2, 3, 4, 5, 6, 7, 16, 18});

  CHECK_THROWS_WITH_AS(embedding(Tensor({1, 5})), Contains("5"), ValueError);
  CHECK_THROWS_AS(embedding(Tensor({-1})), ValueError);
  CHECK_THROWS_WITH_AS(embedding(zeros({2, 2})), Contains("input is not of integers; got float32"), DTypeError);
  CHECK_THROWS_AS(embedding(Tensor(1)), ShapeError);
  CHECK_THROWS_AS(nn::Embedding(0, 2), ValueError);
  CHECK_THROWS_AS(nn::Embedding(2, -1), ValueError);
  CHECK_THROWS_AS(nn::Embedding(2, 2, {.dtype = DType::int32}), DTypeError);

  nn::Embedding drawn(100, 20);
  drawn.build({1, 1});
  const Values values = drawn.variables()[0].value().to_vector<double>();
  CHECK(std::ranges::max(values) <= 0.05);
  CHECK(std::ranges::max(values) > 0.049);
  nn::Embedding torch(100, 20, {.embeddings_initializer = [](const Shape& s, DType d, random::Generator& g) {
                        return random::normal(s, 0, 1, d, g);
                      }});
  torch.build({1});
  CHECK(std::ranges::max(torch.variables()[0].value().to_vector<double>()) > 2);
}

TEST_CASE("an embedding and a recurrent layer learn from text") {
  // Which of two words came last, over all sequences of four.
  std::vector<int32_t> words, last;
  for (int32_t i = 0; i < 16; ++i) {
    for (int32_t k = 0; k < 4; ++k) words.push_back(i >> k & 1);
    last.push_back(i >> 3 & 1);
  }
  random::seed(2);
  nn::Sequential model{nn::Embedding(2, 4), nn::LSTM(4), nn::Dense(2, {.activation = nn::softmax})};
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  model.optimizer().set_learning_rate(0.1);
  const Tensor x(words, {16, 4}), y(last);
  model.fit(x, y, {.epochs = 30, .batch_size = 16, .verbose = 0});
  CHECK(model.evaluate(x, y)["accuracy"] == 1);
}

TEST_CASE("PositionalEmbedding adds a row for each step") {
  check_layer([](DType dtype = DType::float64) { return nn::PositionalEmbedding(5, {.dtype = dtype}); },
              {.input = {2, 3, 2}, .output = {2, 3, 2}, .parameters = 10, .refused = {{2, 6, 2}, {2, 3, 3}, {2, 3}}});
  nn::PositionalEmbedding positions(3, {.dtype = DType::float64});
  positions.build({-1, -1, 2});
  positions.variables()[0].assign(filled({3, 2}, [](double i) { return i; }));
  CHECK(positions(ones({1, 2, 2})).to_vector<double>() == Values{1, 2, 3, 4});
  CHECK_THROWS_AS(nn::PositionalEmbedding(0), ValueError);
  CHECK_THROWS_AS(nn::PositionalEmbedding(2).build({-1, 2, -1}), ShapeError);
}
