// Bad input where nn, optim and data meet the user: each a named error that says what came and what was expected, before anything
// has changed.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "autograd/autograd.h"
#include "data/data.h"
#include "nn/nn.h"
#include "optim/optim.h"
#include "tests/data/files.h"
#include "tests/nn/error_rows.h"

using namespace gradus;
using test::check_rows;
using test::kHuge;
using test::kNaN;

namespace {

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
      {"no callback", fit(x, y, {.callbacks = {std::shared_ptr<nn::CSVLogger>()}}), "null pointer"},
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
       "too large"},
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
