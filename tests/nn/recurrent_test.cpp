// Recurrent layers against PyTorch's values and against plain loops.
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
using test::check_layer;
using test::filled;
using test::noise;
using Values = std::vector<double>;

namespace {

/// The weights that the constants below were computed with.
void set_weights(nn::Recurrent& layer) {
  for (const nn::NamedVariable& v : layer.named_variables()) {
    const Shape& shape = v.variable.shape();
    if (v.name == "kernel") v.variable.assign(filled(shape, [](double i) { return 0.5 * std::sin(i + 1); }));
    if (v.name == "recurrent_kernel") v.variable.assign(filled(shape, [](double i) { return 0.5 * std::cos(2 * i + 1); }));
    if (v.name == "bias") v.variable.assign(filled(shape, [](double i) { return 0.3 * std::sin(3 * i + 2); }));
  }
}

void check_close(const Values& got, const Values& expected) {
  REQUIRE(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); ++i) CHECK(got[i] == Approx(expected[i]).epsilon(1e-11));
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE((a.shape() == b.shape()));
  return a.size() ? max(abs(a - b)).item<double>() : 0;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

const nn::RecurrentOptions k64{.dtype = DType::float64};

}  // namespace

TEST_CASE("recurrent layers give PyTorch's values and gradients") {
  // torch 1.13: nn.RNN, nn.LSTM and nn.GRU(3, 2, batch_first=True) with the transposed weights (GRU: gates r, z, n), in float64.
  struct Row {
    nn::Recurrent layer;
    Values outputs, x_gradient, kernel_gradient;  // gradients of sum(outputs * [1, 2, ...]); the kernel's first four
  };
  const nn::RecurrentOptions options{.two_biases = true, .return_sequences = true, .dtype = DType::float64};
  const std::vector<Row> rows{
      {nn::SimpleRNN(2, options),
       {0.84199315676957687, -0.27229205142059676, 0.15844504078039395, -0.87393230388052556, 0.76798007484328723,
        -0.67721064304580381, 0.12427917815387, -0.59478042905297479, 0.70255142626267686, -0.69222765322402791,
        0.38502221172524537, -0.8147303095780638},
       {1.2681414959373176, -0.94922448975334905, -0.47810795876945433, 1.3906620670280065, -0.35916651301635516,
        -1.0917300506571579, 2.3397843833577059, -1.0844453497128388, -1.4372073799751908, 5.3606057606789683,
        -2.3938732971854622, -3.3682001612421533, 5.0741002422294743, -2.1917288470050265, -3.2499381897289585,
        5.7763265596895579, -0.86558749153532089, -5.0559035669751573},
       {9.1050030903469885, 5.2779841172958317, -11.666548805855076, -9.9669406102443396}},
      {nn::LSTM(2, options),
       {-0.085129832724686397, -0.059708187061857466, 0.09139133168441041, -0.063164865660537417, 0.063310005700350627,
        -0.048304577675858669, 0.11539031757409395, -0.067692693581413416, 0.17330482991496593, -0.025780638147209708,
        0.16462815564951661, -0.096335508762406791},
       {-1.2095811690096272, 1.0111163965964134, 0.91534622923118392, -0.34951377460748545, 0.68176081434519242,
        0.15112133153425875, -1.5221928434584022, 1.2422310010994968, 1.160703538142233, -1.2938391561052394, 1.679396417215699,
        0.80513468513934239, -3.2486984698054209, 2.7175955042289486, 2.4578779943185247, -1.346119903482704, 1.5392872397552848,
        0.8981872126315813},
       {0.054340630533288185, -0.093902736348272967, 0.14088927500161436, -0.048526886970860703}},
      {nn::GRU(2, options),
       {-0.037533025367109535, -0.21460878514807932, 0.4108989974461319, -0.1399961440822497, 0.21871893615548033,
        -0.33230563303292959, 0.44715043291398765, -0.003393809307012466, 0.23658424684290214, -0.29382728502278749,
        0.58947416324951252, 0.070472966335153389},
       {-0.37812483734315622, -0.51472775642399859, -0.6103277575219046, -1.8761301367443564, -2.4277945794593916,
        -2.7860622978311014, -0.14575522768557841, -0.48284060817305807, -0.78146318262634584, -4.0370796686104402,
        -5.1368045320195952, -5.8273344913418681, 0.39601054737718477, -0.16326753556684695, -0.70953982022902107,
        -3.0708345638743086, -4.2113963733279114, -5.016480762078837},
       {0.94974873236467061, 0.76131899340147358, 0.0038395466551850548, -0.073298357961762595}}};
  const Tensor x = filled({2, 3, 3}, [](double i) { return std::cos(i); });
  for (Row row : rows) {
    CAPTURE(std::string(row.layer.type()));
    row.layer.build(x.shape());
    set_weights(row.layer);
    GradientTape tape;
    tape.watch(x);
    const Tensor y = row.layer(x);
    check_close(y.to_vector<double>(), row.outputs);
    const Variable kernel = row.layer.named_variables()[1].variable;
    const std::vector<Tensor> g =
        tape.gradient(sum(y * filled(y.shape(), [](double i) { return i + 1; })), std::vector<Tensor>{x, kernel});
    check_close(g[0].to_vector<double>(), row.x_gradient);
    const Values k = g[1].to_vector<double>();
    check_close({k[0], k[1], k[2], k[3]}, row.kernel_gradient);
  }
  nn::LSTM lstm(2, options);
  lstm.build(x.shape());
  set_weights(lstm);
  check_close(lstm.run(x).states[1].to_vector<double>(),
              {0.087620218376319725, -0.090042979868673018, 0.35685390077287404, -0.24601810518764888});
}

TEST_CASE("GRU without reset_after, against a loop") {
  nn::GRU gru(2, {.reset_after = false, .dtype = DType::float64});
  const Tensor x = noise({1, 4, 3}, 1);
  gru.build(x.shape());
  set_weights(gru);
  const Values xs = x.to_vector<double>();
  std::vector<Values> w;
  for (const Variable& v : gru.variables()) w.push_back(v.value().to_vector<double>());
  REQUIRE(w.size() == 3);
  REQUIRE(w[2].size() == 6);
  Values h(2);
  for (size_t t = 0; t < 4; ++t) {
    const auto sum = [&](size_t column, const Values& state) {
      double s = w[2][column];
      for (size_t i = 0; i < 3; ++i) s += xs[3 * t + i] * w[0][6 * i + column];
      for (size_t i = 0; i < 2; ++i) s += state[i] * w[1][6 * i + column];
      return s;
    };
    Values z, reset, next;
    for (size_t j = 0; j < 2; ++j) z.push_back(sigmoid(sum(j, h))), reset.push_back(sigmoid(sum(2 + j, h)) * h[j]);
    for (size_t j = 0; j < 2; ++j) next.push_back(z[j] * h[j] + (1 - z[j]) * std::tanh(sum(4 + j, reset)));
    h = next;
  }
  check_close(gru(x).to_vector<double>(), h);
}

TEST_CASE("LSTM with other activations and no bias, against a loop") {
  nn::LSTM lstm(2, {.activation = nn::softplus, .recurrent_activation = nn::tanh, .use_bias = false, .dtype = DType::float64});
  const Tensor x = noise({2, 5, 2}, 2);
  lstm.build(x.shape());
  set_weights(lstm);
  const Values xs = x.to_vector<double>(), k = lstm.variables()[0].value().to_vector<double>(),
               r = lstm.variables()[1].value().to_vector<double>();
  CHECK(lstm.variables().size() == 2);
  const auto softplus = [](double v) { return std::log1p(std::exp(v)); };
  Values expected;
  for (size_t n = 0; n < 2; ++n) {
    Values h(2), c(2);
    for (size_t t = 0; t < 5; ++t) {
      Values z(8);
      for (size_t j = 0; j < 8; ++j)
        for (size_t i = 0; i < 2; ++i) z[j] += xs[(n * 5 + t) * 2 + i] * k[8 * i + j] + h[i] * r[8 * i + j];
      for (size_t j = 0; j < 2; ++j) {
        c[j] = std::tanh(z[2 + j]) * c[j] + std::tanh(z[j]) * softplus(z[4 + j]);
        h[j] = std::tanh(z[6 + j]) * softplus(c[j]);
      }
    }
    expected.insert(expected.end(), h.begin(), h.end());
  }
  check_close(lstm(x).to_vector<double>(), expected);
}

TEST_CASE("recurrent layers keep the promises of a layer") {
  const std::vector<Shape> refused{{2, 3, 4}, {2, 3}, {3}, {}};
  check_layer([](DType dtype = DType::float64) { return nn::SimpleRNN(4, {.dtype = dtype}); },
              {.input = {2, 3, 3}, .output = {2, 4}, .parameters = 3 * 4 + 4 * 4 + 4, .refused = refused});
  check_layer([](DType dtype = DType::float64) { return nn::LSTM(2, {.dtype = dtype}); },
              {.input = {2, 3, 3}, .output = {2, 2}, .parameters = 4 * (3 * 2 + 2 * 2 + 2), .refused = refused});
  check_layer([](DType dtype = DType::float64) { return nn::GRU(2, {.return_sequences = true, .dtype = dtype}); },
              {.input = {2, 3, 3}, .output = {2, 3, 2}, .parameters = 3 * (3 * 2 + 2 * 2 + 2 * 2), .refused = refused});
  check_layer(
      [](DType dtype = DType::float64) {
        return nn::GRU(2, {.use_bias = false, .reset_after = false, .go_backwards = true, .dtype = dtype});
      },
      {.input = {2, 3, 3}, .output = {2, 2}, .parameters = 3 * (3 * 2 + 2 * 2), .refused = refused});
  check_layer([](DType dtype =
                     DType::float64) { return nn::Bidirectional(nn::SimpleRNN(2, {.return_sequences = true, .dtype = dtype})); },
              {.input = {2, 3, 3}, .output = {2, 3, 4}, .parameters = 2 * (3 * 2 + 2 * 2 + 2), .refused = refused});
  check_layer(
      [](DType dtype = DType::float64) { return nn::Bidirectional(nn::LSTM(1, {.dtype = dtype}), {.merge_mode = "mul"}); },
      {.input = {1, 2, 2}, .output = {1, 1}, .parameters = 2 * 4 * (2 + 1 + 1), .refused = {{1, 2, 3}}});
}

TEST_CASE("states carry a sequence over its parts") {
  const Tensor x = noise({2, 5, 3}, 3);
  for (nn::Recurrent layer :
       {nn::Recurrent(nn::SimpleRNN(2, k64)), nn::Recurrent(nn::LSTM(2, k64)), nn::Recurrent(nn::GRU(2, k64))}) {
    const nn::Recurrent::Result first = layer.run(x[":, :2"]), rest = layer.run(x[":, 2:"], first.states);
    CHECK(largest_difference(rest.output, layer(x)) < 1e-15);
    CHECK(largest_difference(rest.states[0], rest.output) == 0);
    // No steps: what goes in comes out.
    CHECK(layer.run(x[":, :0"], first.states).output.to_vector<double>() == first.output.to_vector<double>());
    CHECK(layer(x[":, :0"]).to_vector<double>() == Values(4, 0));
    CHECK_THROWS_AS(layer.run(x, {zeros({2, 2}), zeros({2, 2}), zeros({2, 2})}), ValueError);
    std::vector<Tensor> wrong = first.states;
    wrong[0] = zeros({1, 2});
    CHECK_THROWS_AS(layer.run(x, wrong), ShapeError);
  }
  nn::GRU all(2, {.return_sequences = true, .dtype = DType::float64});
  CHECK((all(zeros({3, 0, 4}, DType::float64)).shape() == Shape{3, 0, 2}));
  CHECK((all.output_shape({-1, -1, 4}) == Shape{-1, -1, 2}));
}

TEST_CASE("backwards and in both directions") {
  const Tensor x = noise({2, 4, 3}, 4);
  nn::LSTM forward(2, {.return_sequences = true, .dtype = DType::float64});
  forward(x);
  nn::Recurrent backward = forward.reversed();
  backward.build(x.shape());
  for (size_t i = 0; i < 3; ++i) backward.variables()[i].assign(forward.variables()[i].value());
  CHECK_FALSE(backward.variables()[0].same_as(forward.variables()[0]));
  CHECK(largest_difference(backward(x), forward(flip(x, 1))) < 1e-15);

  for (const bool sequences : {false, true}) {
    CAPTURE(sequences);
    const nn::GRU gru(2, {.return_sequences = sequences, .dtype = DType::float64});
    const auto both = [&](const char* mode) {
      nn::Bidirectional layer(gru, {.merge_mode = mode});
      layer.build(x.shape());
      const std::vector<Variable> variables = layer.variables();  // the second half is new for each mode
      for (size_t i = 3; i < 6; ++i) variables[i].assign(filled(variables[i].shape(), [](double k) { return std::sin(k); }));
      return layer;
    };
    nn::Bidirectional concatenated = both("concat");
    CHECK(concatenated.named_variables()[3].name == "backward.kernel");
    nn::Recurrent there = concatenated.forward_layer(), back = concatenated.backward_layer();
    const Tensor a = there(x), b = sequences ? flip(back(x), 1) : back(x);
    CHECK(largest_difference(concatenated(x), concat({a, b}, -1)) == 0);
    CHECK(largest_difference(both("sum")(x), a + b) == 0);
    CHECK(largest_difference(both("mul")(x), a * b) == 0);
    CHECK(largest_difference(both("ave")(x), (a + b) / 2) < 1e-16);
  }
  CHECK_THROWS_WITH_AS(nn::Bidirectional(nn::GRU(2), {.merge_mode = "max"}), doctest::Contains("expected one of concat, sum"),
                       ValueError);
}

TEST_CASE("recurrent layers start as Keras' or PyTorch's do") {
  random::seed(4);
  nn::LSTM lstm(3, k64);
  lstm.build({1, 1, 5});
  const Values bias = lstm.variables()[2].value().to_vector<double>();
  CHECK(bias == Values{0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0});
  const Tensor recurrent = lstm.variables()[1].value();  // [3, 12] with orthonormal rows
  CHECK(largest_difference(matmul(recurrent, transpose(recurrent)), eye(3, 3, 0, DType::float64)) < 1e-12);
  nn::LSTM two(1, {.two_biases = true, .dtype = DType::float64});
  two.build({1, 1, 1});
  CHECK(two.variables()[2].value().to_vector<double>() == Values{0, 1, 0, 0, 0, 0, 0, 0});

  nn::LSTM torch(64, nn::torch_recurrent(64));
  torch.build({1, 1, 10});
  for (const Variable& v : torch.variables()) {
    const Values values = v.value().to_vector<double>();
    const auto [low, high] = std::ranges::minmax(values);
    CHECK(low >= -0.125);
    CHECK(high <= 0.125);
    CHECK(low < -0.12);
    CHECK(high > 0.12);
  }
  CHECK((torch.variables()[2].shape() == Shape{2, 256}));
}

TEST_CASE("dropout of inputs and states keeps the same elements in all steps") {
  // An identity kernel: the output after each step shows which inputs came through.
  nn::SimpleRNN rnn(50, {.activation = nn::linear,
                         .kernel_initializer = [](const Shape& s, DType d, random::Generator&) { return eye(s[0], s[1], 0, d); },
                         .recurrent_initializer = "zeros",
                         .return_sequences = true,
                         .dropout = 0.5,
                         .seed = 3});
  const Tensor y = rnn(ones({2, 3, 50}), true);
  CHECK(y[":, 0"].to_vector<float>() == y[":, 2"].to_vector<float>());
  CHECK(y["0, 0"].to_vector<float>() != y["1, 0"].to_vector<float>());
  for (const float v : y.to_vector<float>()) CHECK((v == 0 || v == 2));
  CHECK(rnn(ones({2, 3, 50})).to_vector<float>() == std::vector<float>(300, 1));

  for (const bool reset_after : {false, true}) {
    nn::GRU gru(4, {.reset_after = reset_after, .recurrent_dropout = 0.5, .seed = 4});
    const Tensor x = noise({3, 6, 2}, 5);
    CHECK(gru(x, true).to_vector<float>() != gru(x, true).to_vector<float>());
    CHECK(gru(x).to_vector<float>() == gru(x).to_vector<float>());
  }
}

TEST_CASE("recurrent layers refuse wrong options and name themselves in errors") {
  CHECK_THROWS_AS(nn::LSTM(0), ValueError);
  CHECK_THROWS_AS(nn::GRU(2, {.dropout = 1.5}), ValueError);
  CHECK_THROWS_AS(nn::GRU(2, {.recurrent_dropout = -1}), ValueError);
  CHECK_THROWS_AS(nn::SimpleRNN(2, {.dtype = DType::int32}), DTypeError);
  CHECK_THROWS_AS(nn::GRU(2, {.reset_after = false, .two_biases = true}), ValueError);
  nn::LSTM lstm(2, {.name = "memory"});
  CHECK_THROWS_WITH_AS(lstm(zeros({2, 3})), doctest::Contains("LSTM: input is not a batch of sequences; got [2, 3]"), ShapeError);
  lstm(zeros({2, 3, 4}));
  CHECK_THROWS_WITH_AS(lstm(zeros({2, 3, 5})), doctest::Contains("in layer memory"), ShapeError);
  CHECK_THROWS_WITH_AS(nn::GRU(2).build({-1, -1, -1}), doctest::Contains("unknown number of features"), ShapeError);
}

TEST_CASE("recurrent layers learn: the sign of a sequence's first value") {
  random::seed(6);
  const Tensor x = noise({200, 8, 1}, 6).astype(DType::float32), y = (x[":, 0"] > 0).astype(DType::float32);
  nn::Sequential model{nn::GRU(8), nn::Dense(1, {.activation = nn::sigmoid})};
  model.compile({.optimizer = "adam", .loss = "binary_crossentropy", .metrics = {"accuracy"}});
  model.optimizer().set_learning_rate(0.02);
  model.fit(x, y, {.epochs = 40, .seed = 7, .verbose = 0});
  CHECK(model.evaluate(x, y)["accuracy"] > 0.95);
}
