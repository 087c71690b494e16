// Options of layers, losses and metrics that are out of range or unknown: each a named error that says what came and what was
// expected.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "autograd/autograd.h"
#include "nn/nn.h"
#include "optim/optim.h"
#include "tests/data/files.h"
#include "tests/nn/error_rows.h"

using namespace gradus;
using test::check_rows;
using test::kHuge;
using test::kNaN;
using test::WrongCall;

namespace {

/// Makes the layer and uses it, since sizes meet the input there.
template <class Make>
WrongCall use(std::string what, Make make, const Shape& input, std::string part = {}) {
  return {std::move(what),
          [=] {
            auto layer = make();
            layer(zeros(input), true);
          },
          std::move(part)};
}

}  // namespace

TEST_CASE("sizes of layers that are 0, negative or huge") {
  const Shape flat{2, 3}, series{2, 4, 3}, image{2, 5, 5, 2};
  std::vector<WrongCall> rows;
  for (const int64_t n : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
    const std::string got = text("got ", n);
    const auto add = [&](const char* what, auto make, const Shape& input) { rows.push_back(use(what, make, input)); };
    add(
        "Dense", [=] { return nn::Dense(n); }, flat);
    add(
        "Conv1D", [=] { return nn::Conv1D(n, 2); }, series);
    add(
        "Conv2D filters", [=] { return nn::Conv2D(n, 3); }, image);
    add(
        "Conv2D kernel", [=] { return nn::Conv2D(2, n); }, image);
    add(
        "Conv2D strides", [=] { return nn::Conv2D(2, 3, {.strides = n}); }, image);
    add(
        "Conv2D dilation", [=] { return nn::Conv2D(2, 3, {.dilation_rate = n}); }, image);
    add(
        "Conv2D groups", [=] { return nn::Conv2D(2, 3, {.groups = n}); }, image);
    add(
        "Conv2DTranspose", [=] { return nn::Conv2DTranspose(2, n); }, image);
    add(
        "MaxPooling2D", [=] { return nn::MaxPooling2D(n); }, image);
    add(
        "AveragePooling2D strides", [=] { return nn::AveragePooling2D(2, {.strides = n}); }, image);
    add(
        "Embedding rows", [=] { return nn::Embedding(n, 2); }, flat);
    add(
        "Embedding width", [=] { return nn::Embedding(2, n); }, flat);
    add(
        "PositionalEmbedding", [=] { return nn::PositionalEmbedding(n); }, series);
    add(
        "SimpleRNN", [=] { return nn::SimpleRNN(n); }, series);
    add(
        "LSTM", [=] { return nn::LSTM(n); }, series);
    add(
        "GRU", [=] { return nn::GRU(n); }, series);
    add(
        "heads", [=] { return nn::MultiHeadAttention(n, 2); }, series);
    add(
        "key_dim", [=] { return nn::MultiHeadAttention(2, n); }, series);
    add(
        "value_dim", [=] { return nn::MultiHeadAttention(2, 2, {.value_dim = n}); }, series);
    add(
        "output_dim", [=] { return nn::MultiHeadAttention(2, 2, {.output_dim = n}); }, series);
    add(
        "RandomCrop", [=] { return nn::RandomCrop(n, 2); }, image);
    add(
        "UpSampling2D", [=] { return nn::UpSampling2D(n); }, image);
    if (n < 0)
      add(
          "ZeroPadding2D", [=] { return nn::ZeroPadding2D(n); }, image);
    if (n < 0)
      add(
          "RepeatVector", [=] { return nn::RepeatVector(n); }, flat);
    if (n != -1)
      add(
          "GroupNormalization", [=] { return nn::GroupNormalization(n); }, flat);
    if (n < -1)
      add(
          "Reshape",
          [=] {
            return nn::Reshape({n, 3});
          },
          flat);
  }
  for (const int64_t n : {kHuge, kHuge / 2, kHuge / 4 + 1, int64_t{1} << 60}) {
    const auto add = [&](const char* what, auto make, const Shape& input) { rows.push_back(use(what, make, input)); };
    add(
        "Dense", [=] { return nn::Dense(n); }, flat);
    add(
        "Conv1D", [=] { return nn::Conv1D(n, 2); }, series);
    add(
        "Conv1D kernel", [=] { return nn::Conv1D(1, n); }, series);
    add(
        "Conv1D causal", [=] { return nn::Conv1D(1, n, {.padding = "causal"}); }, series);
    add(
        "Conv1D causal dilation", [=] { return nn::Conv1D(1, 3, {.padding = "causal", .dilation_rate = n}); }, series);
    add(
        "Conv2D same", [=] { return nn::Conv2D(1, n, {.padding = "same"}); }, image);
    add(
        "Conv2D dilation", [=] { return nn::Conv2D(1, 3, {.dilation_rate = n}); }, image);
    add(
        "Conv2D padding", [=] { return nn::Conv2D(1, 3, {.padding = n}); }, image);
    add(
        "Conv2DTranspose strides", [=] { return nn::Conv2DTranspose(2, 3, {.strides = n}); }, image);
    add(
        "Conv2DTranspose kernel", [=] { return nn::Conv2DTranspose(2, n); }, image);
    add(
        "MaxPooling2D", [=] { return nn::MaxPooling2D(n); }, image);
    add(
        "Embedding rows", [=] { return nn::Embedding(n, 2); }, flat);
    add(
        "Embedding width", [=] { return nn::Embedding(2, n); }, flat);
    add(
        "SimpleRNN", [=] { return nn::SimpleRNN(n); }, series);
    add(
        "LSTM", [=] { return nn::LSTM(n); }, series);
    add(
        "GRU", [=] { return nn::GRU(n); }, series);
    add(
        "Bidirectional", [=] { return nn::Bidirectional(nn::LSTM(n)); }, series);
    add(
        "heads", [=] { return nn::MultiHeadAttention(n, 2); }, series);
    add(
        "key_dim", [=] { return nn::MultiHeadAttention(3, n); }, series);
    add(
        "output_dim", [=] { return nn::MultiHeadAttention(2, 2, {.output_dim = n}); }, series);
    add(
        "RandomCrop", [=] { return nn::RandomCrop(n, n); }, image);
    add(
        "UpSampling2D", [=] { return nn::UpSampling2D(n); }, image);
    add(
        "ZeroPadding2D", [=] { return nn::ZeroPadding2D(n); }, image);
    if (n > int64_t{1} << 60)  // otherwise a view
      add(
          "RepeatVector", [=] { return nn::RepeatVector(n); }, flat);
    add(
        "GroupNormalization", [=] { return nn::GroupNormalization(n); }, flat);
    add(
        "Reshape",
        [=] {
          return nn::Reshape({n, 3});
        },
        flat);
  }
  check_rows(rows);
}

TEST_CASE("rates, factors and constants out of range or not numbers") {
  std::vector<WrongCall> rows;
  for (const double v : {-0.5, 1.5, kNaN, static_cast<double>(INFINITY)}) {
    const auto add = [&](const char* what, auto make) { rows.push_back({text(what, " ", v), [=] { make(); }}); };
    add("Dropout", [=] { nn::Dropout layer(v); });
    add("SpatialDropout2D", [=] { nn::SpatialDropout2D layer(v); });
    add("AlphaDropout", [=] { nn::AlphaDropout layer(v); });
    add("GaussianDropout", [=] { nn::GaussianDropout layer(v); });
    add("LSTM dropout", [=] { nn::LSTM layer(2, {.dropout = v}); });
    add("LSTM recurrent_dropout", [=] { nn::LSTM layer(2, {.recurrent_dropout = v}); });
    add("attention dropout", [=] { nn::MultiHeadAttention layer(2, 2, {.dropout = v}); });
    add("BatchNormalization momentum", [=] { nn::BatchNormalization layer({.momentum = v}); });
    add("RandomTranslation", [=] { nn::RandomTranslation layer(v, 0.1); });
    add("label_smoothing", [=] { nn::CategoricalCrossentropy({.label_smoothing = v}); });
    add("threshold", [=] { nn::metrics::Precision({.threshold = v}); });
    if (v == 1.5) continue;
    add("l2", [=] { nn::l2(v); });
    add("l1", [=] { nn::l1(v); });
    add("GaussianNoise", [=] { nn::GaussianNoise layer(v); });
    add("epsilon", [=] { nn::BatchNormalization layer({.epsilon = v}); });
    add("layer epsilon", [=] { nn::LayerNormalization layer({.epsilon = v}); });
    add("learning rate", [=] { optim::Adam adam({.learning_rate = v}); });
    add("random_normal", [=] { nn::random_normal(0, v); });
    if (v > 0 || std::isnan(v)) add("Rescaling", [=] { nn::Rescaling layer(v); });
  }
  check_rows(rows);
}

TEST_CASE("unknown names list the known ones") {
  const auto compile = [](nn::CompileOptions options) {
    nn::Sequential model{nn::Dense(1)};
    model.compile(options);
  };
  const std::string bad = "got \"sofmax\"";
  std::vector<WrongCall> rows{
      {"loss", [=] { compile({.loss = "sofmax"}); }, "categorical_crossentropy"},
      {"metric", [=] { compile({.loss = "mse", .metrics = {"sofmax"}}); }, "accuracy"},
      {"weighted metric", [=] { compile({.loss = "mse", .weighted_metrics = {"sofmax"}}); }, "accuracy"},
      {"optimizer", [=] { compile({.optimizer = "sofmax", .loss = "mse"}); }, "adam"},
      {"activation", [] { nn::Dense layer(1, {.activation = "sofmax"}); }, "softmax"},
      {"initializer", [] { nn::Dense layer(1, {.kernel_initializer = "sofmax"}); }, "glorot_uniform"},
      {"regularizer", [] { nn::Dense layer(1, {.kernel_regularizer = "sofmax"}); }, "l1_l2"},
      {"padding", [] { nn::Conv2D layer(1, 1, {.padding = "sofmax"}); }, "same"},
      {"pool padding", [] { nn::MaxPooling2D layer(2, {.padding = "sofmax"}); }, "same"},
      {"data_format", [] { nn::Conv2D layer(1, 1, {.data_format = "sofmax"}); }, "channels_first"},
      {"flip", [] { nn::RandomFlip layer("sofmax"); }, "horizontal"},
      {"fill_mode", [] { nn::RandomTranslation layer(0.1, 0.1, {.fill_mode = "sofmax"}); }, "reflect"},
      {"merge_mode", [] { nn::Bidirectional layer(nn::LSTM(2), {.merge_mode = "sofmax"}); }, "concat"},
      {"from_logits", [] { nn::Loss::from_logits("sofmax"); }, "binary_crossentropy"},
      {"make", [] { optim::make("sofmax"); }, "rmsprop"},
      {"empty", [] { nn::Activation(""); }, "softmax"},
  };
  for (WrongCall& row : rows)
    if (row.what != "empty")
      row.run = [run = row.run, bad] {
        try {
          run();
        } catch (const Error& error) {
          CHECK(test::contains(error.what(), bad));
          throw;
        }
      };
  check_rows(rows);
}

TEST_CASE("numbers that an embedding does not have") {
  nn::Embedding layer(5, 2);
  check_rows({
      {"too large",
       [&] {
         layer(Tensor({int64_t{0}, int64_t{5}}));
       },
       "got 5"},
      {"negative", [&] { layer(Tensor({int64_t{-1}})); }, "got -1"},
      {"huge", [&] { layer(Tensor({kHuge})); }, text("got ", kHuge)},
      {"no integers", [&] { layer(Tensor({0.5f})); }, "float32"},
  });
  CHECK((layer(zeros({0}, DType::int64)).shape() == Shape{0, 2}));
}
