// Bad input where nn, optim and data meet the user: each a named error that says what came and what was expected, before anything
// has changed.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "data/data.h"
#include "nn/nn.h"
#include "optim/optim.h"
#include "tests/data/files.h"

using namespace gradus;

namespace {

struct Row {
  std::string what;
  std::function<void()> run;
  std::string part = {};  // of the message
};

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// "op: what; got ..., expected ..." with the part.
void check_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.what);
    std::string said = "nothing thrown";
    try {
      row.run();
    } catch (const Error& error) {
      said = error.what();
    } catch (const std::exception& error) {
      said = text("not one of our errors: ", error.what());
    }
    CAPTURE(said);
    const size_t colon = said.find(": "), got = said.find("got "), expected = said.find("expected ");
    CHECK((colon != std::string::npos && got != std::string::npos && expected != std::string::npos));
    CHECK((colon < got && got < expected));
    CHECK(said.find(row.part) != std::string::npos);
  }
}

/// Makes the layer and uses it, since sizes meet the input there.
template <class Make>
Row use(std::string what, Make make, const Shape& input, std::string part = {}) {
  return {std::move(what),
          [=] {
            auto layer = make();
            layer(zeros(input), true);
          },
          std::move(part)};
}

nn::Sequential classifier() {
  nn::Sequential model{nn::Dense(3, {.activation = nn::softmax})};
  model.build({-1, 2});
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  return model;
}

std::vector<float> weights_of(const nn::Module& module) {
  std::vector<float> out;
  for (const Variable& variable : module.variables())
    for (const float v : variable.value().to_vector<float>()) out.push_back(v);
  return out;
}

}  // namespace

TEST_CASE("sizes of layers that are 0, negative or huge") {
  const Shape flat{2, 3}, series{2, 4, 3}, image{2, 5, 5, 2};
  std::vector<Row> rows;
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
  for (const int64_t n : {kHuge, kHuge / 2, kHuge / 4 + 1, int64_t{1} << 58}) {
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
  std::vector<Row> rows;
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
  std::vector<Row> rows{
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
  for (Row& row : rows)
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

TEST_CASE("monitors that nobody logs") {
  const auto fit = [](std::vector<nn::CallbackOption> callbacks) {
    classifier().fit(zeros({4, 2}), zeros({4}, DType::int64), {.verbose = 0, .callbacks = std::move(callbacks)});
  };
  const test::Folder folder;
  check_rows({
      {"EarlyStopping", [=] { fit({optim::EarlyStopping({.monitor = "val_accuracy"})}); }, "expected one of accuracy, loss"},
      {"ReduceLROnPlateau", [=] { fit({nn::ReduceLROnPlateau()}); }, "\"val_loss\", expected one of accuracy, loss"},
      {"ModelCheckpoint",
       [&] {
         fit({nn::ModelCheckpoint(folder / "best", {.monitor = "val_acc", .save_best_only = true, .mode = optim::Mode::max})});
       },
       "accuracy, loss"},
      {"ModelCheckpoint's path", [&] { fit({nn::ModelCheckpoint(folder / "best-{val_loss:.2f}")}); }, "val_loss"},
  });
  CHECK(folder.entries() == 0);
}

TEST_CASE("a learning rate that a schedule rules is no callback's, and nothing is trained") {
  for (const nn::CallbackOption& callback :
       {nn::CallbackOption(nn::ReduceLROnPlateau({.monitor = "loss"})),
        nn::CallbackOption(nn::LearningRateScheduler([](int64_t, double rate) { return rate; }))}) {
    nn::Sequential model = classifier();
    model.compile(
        {.optimizer = optim::SGD({.learning_rate = optim::ExponentialDecay({.initial_learning_rate = 0.1, .decay_steps = 5})}),
         .loss = "sparse_categorical_crossentropy"});
    const std::vector<float> before = weights_of(model);
    check_rows({{"schedule",
                 [&] {
                   model.fit(ones({4, 2}), zeros({4}, DType::int64), {.verbose = 0, .callbacks = {callback}});
                 },
                 "a schedule rules the learning rate"}});
    CHECK(weights_of(model) == before);
    CHECK(model.optimizer().iterations() == 0);
  }
}

TEST_CASE("data that does not fit: nothing is trained") {
  nn::Sequential model = classifier();
  const std::vector<float> before = weights_of(model);
  const Tensor x = ones({6, 2}), y = zeros({6}, DType::int64), w = ones({6});
  const auto fit = [&](const nn::Tensors& a, const nn::Tensors& b, nn::FitOptions options = {}) {
    options.verbose = 0;
    return [&model, a, b, options] { model.fit(a, b, options); };
  };
  const Tensor bad = concat({zeros({5}, DType::int64), full({1}, 3, DType::int64)});
  check_rows({
      {"labels", fit(x, bad), "got 3"},
      {"validation labels", fit(x, y, {.validation_data = {x, bad}}), "got 3"},
      {"counts", fit(x, y["0:5"]), "[5]"},
      {"weights", fit(x, y, {.sample_weight = ones({5})}), "[5]"},
      {"weights of another rank", fit(x, y, {.sample_weight = ones({6, 2})}), "[6, 2]"},
      {"a weight for all", fit(x, y, {.sample_weight = Tensor(1.0f)}), "sample_weight"},
      {"a weight for the one", fit(x["0:1"], y["0:1"], {.sample_weight = Tensor(1.0f)}), "sample_weight"},
      {"validation counts", fit(x, y, {.validation_data = {x, y["0:5"]}}), "validation"},
      {"validation weights", fit(x, y, {.validation_data = {x, y, ones({5})}}), "validation"},
      {"validation features", fit(x, y, {.validation_data = {ones({6, 3}), y}})},
      {"validation without samples", fit(x, y, {.validation_data = {x["0:0"], y["0:0"]}}), "no samples"},
      {"no samples", fit(x["0:0"], y["0:0"]), "no samples"},
      {"split", fit(x["0:1"], y["0:1"], {.validation_split = 0.5}), "0.5 of 1"},
      {"split of NaN", fit(x, y, {.validation_split = kNaN}), "validation split"},
      {"batch size", fit(x, y, {.batch_size = 0}), "batch size"},
      {"both weights", fit(x, y, {.class_weight = {{0, 2}}, .sample_weight = w}), "class_weight"},
      {"two inputs", fit({x, x}, y), "inputs"},
      {"a data set without examples", [&] { model.fit(data::TensorDataset(x["0:0"], y["0:0"]), {.verbose = 0}); }, "no samples"},
      {"an empty loader to predict",
       [&] {
         model.predict(data::DataLoader({x["0:0"], y["0:0"]}));
       },
       "no samples"},
      {"batch of 0",
       [&] {
         data::DataLoader({x, y}, {.batch_size = 0});
       },
       "batch size"},
      {"workers",
       [&] {
         data::DataLoader({x, y}, {.workers = -1});
       },
       "workers"},
      {"drop_last",
       [&] {
         data::DataLoader({x, y}, {.batch_size = 7, .drop_last = true});
       },
       "drop_last"},
      {"NaN", fit(full({6, 2}, kNaN), y), "nan"},
      {"infinite", fit(full({6, 2}, INFINITY), y), "finite"},
      {"NaN in a weight", fit(x, y, {.sample_weight = full({6}, kNaN)}), "nan"},
  });
  CHECK(weights_of(model) == before);
  // Any size is a batch size.
  CHECK(model.fit(x, y, {.batch_size = kHuge, .verbose = 0})["loss"].size() == 1);
  CHECK(model.evaluate(x, y, {.batch_size = kHuge})["loss"] > 0);
  CHECK(model.predict(x, {.batch_size = kHuge}).shape()[0] == 6);
  CHECK(model.fit(data::DataLoader({x, y}, {.batch_size = kHuge, .workers = 3, .prefetch = kHuge}), {.verbose = 0})["loss"]
            .size() == 1);
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

TEST_CASE("files of another model, cut short, or none: an error with the path, and the model as before") {
  const test::Folder folder;
  nn::Sequential model = classifier(), other{nn::Dense(4)};
  other.build({-1, 2});
  const std::vector<float> before = weights_of(model);
  const std::string good = folder / "good", cut = folder / "cut", none = folder / "none", strange = folder / "other";
  nn::save_weights(model, good);
  nn::save_weights(other, strange);
  test::write_file(cut, test::read_file(good).substr(0, 40));
  const auto load = [&](const std::string& path) { return [&model, path] { nn::load_weights(model, path); }; };
  const auto resume = [&](const std::string& path) {
    return [&model, path] {
      model.fit(ones({4, 2}), zeros({4}, DType::int64), {.verbose = 0, .callbacks = {nn::Checkpoint(path)}});
    };
  };
  check_rows({
      {"weights of another model", load(strange), strange},
      {"weights cut short", load(cut), cut},
      {"no weights", load(none), none},
      {"a folder", load(folder / ""), folder / ""},
      {"a checkpoint that is weights", resume(good), good},
      {"a checkpoint cut short", resume(cut), cut},
      {"a checkpoint nowhere", resume("/proc/none/run"), "/proc/none/run"},
      {"a log nowhere",
       [&] {
         model.fit(ones({4, 2}), zeros({4}, DType::int64), {.verbose = 0, .callbacks = {nn::CSVLogger("/proc/none")}});
       },
       "/proc/none"},
      {"weights nowhere", [&] { nn::save_weights(model, "/proc/none/w"); }, "/proc/none/w"},
  });
  CHECK(weights_of(model) == before);
  CHECK(folder.entries() == 3);
}

TEST_CASE("data files: not UTF-8, ragged, odd sizes") {
  const test::Folder folder;
  const auto write = [&](const char* name, const std::string& bytes) {
    test::write_file(folder / name, bytes);
    return folder / name;
  };
  const std::string ragged = write("ragged.csv", "a,b\n1,2\n3\n"), latin = write("latin.txt", "caf\xe9\n"),
                    names = write("latin.csv", "a,b\n1,\xff\n"), open = write("open.csv", "a\n\"1\n"),
                    empty = write("empty.csv", "");
  check_rows({
      {"ragged", [&] { data::load_csv(ragged); }, ragged},
      {"its line", [&] { data::load_csv(ragged); }, "line 3"},
      {"CSV not UTF-8", [&] { data::load_csv(names); }, names},
      {"text not UTF-8", [&] { data::load_text(latin); }, latin},
      {"tokens not UTF-8", [&] { data::tokenize("caf\xe9"); }, "UTF-8"},
      {"characters not UTF-8", [&] { data::characters("\xed\xa0\x80"); }, "UTF-8"},
      {"quote without end", [&] { data::load_csv(open); }, open},
      {"empty", [&] { data::load_csv(empty); }, empty},
      {"delimiter", [&] { data::load_csv(ragged, {.delimiter = '"'}); }, "delimiter"},
      {"pad_sequences",
       [&] {
         data::pad_sequences({{1, 2}}, {.length = kHuge});
       },
       "length"},
      {"multi_hot",
       [&] {
         data::multi_hot({{1, 7}}, 5);
       },
       "got 7"},
      {"multi_hot of huge size", [&] { data::multi_hot({{1}}, kHuge); }},
      {"no picture", [&] { data::load_image(latin); }, latin},
      {"no folder", [&] { data::ImageFolder images(folder / "none"); }, folder / "none"},
      {"resize",
       [&] {
         data::resize(zeros({3, 3, 1}), 0, 2);
       }},
      {"resize to a huge size",
       [&] {
         data::resize(zeros({3, 3, 1}), kHuge, kHuge);
       }},
  });
  data::save_png(folder / "odd.png", zeros({3, 5, 3}));
  const Tensor picture = data::load_image(folder / "odd.png");
  CHECK((picture.shape() == Shape{3, 5, 3}));
  CHECK((nn::MaxPooling2D(2)(picture.astype(DType::float32).reshape({1, 3, 5, 3})).shape() == Shape{1, 1, 2, 3}));
}
