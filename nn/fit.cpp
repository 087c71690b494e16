// Model::fit: what it takes, checked before anything is trained.
#include <cmath>
#include <utility>

#include "autograd/flush_denormals.h"
#include "data/loader.h"
#include "nn/trainer.h"

namespace gradus::nn {
namespace {

void check(const FitOptions& options) {
  const auto at_least = [](std::string_view what, int64_t value, int64_t low) {
    if (value < low) fail<ValueError>("fit", what, " out of range; got ", value, ", expected >= ", low);
  };
  at_least("number of epochs", options.epochs, 1);
  at_least("batch size", options.batch_size, 1);
  at_least("steps_per_epoch", options.steps_per_epoch, 0);
  at_least("validation_steps", options.validation_steps, 0);
  at_least("validation_freq", options.validation_freq, 1);
  if (options.initial_epoch < 0 || options.initial_epoch >= options.epochs)
    fail<ValueError>("fit", "initial_epoch out of range; got ", options.initial_epoch, ", expected [0, ", options.epochs, ")");
  if (!(options.validation_split >= 0 && options.validation_split < 1))
    fail<ValueError>("fit", "validation split out of range; got ", options.validation_split, ", expected [0, 1)");
  if (options.validation_split > 0 && options.validation_data.defined())
    fail<ValueError>("fit", "two kinds of validation; got validation_split and validation_data, expected one of them");
  for (const CallbackOption& callback : options.callbacks)
    if (!callback.operator->()) fail<ValueError>("fit", "no callback; got a null pointer, expected an object");
}

/// The first part of the samples, and the rest, which is held out: Keras' rule.
std::pair<Samples, Samples> split(const Samples& samples, double held_out) {
  const int64_t count = samples.x[0].shape()[0];
  const auto at = static_cast<int64_t>(std::floor(static_cast<double>(count) * (1 - held_out)));
  if (at == 0 || at == count)
    fail<ValueError>("fit", "validation split leaves an empty part; got ", held_out, " of ", count,
                     " samples, expected at least one in each part");
  const auto part = [&](Slice range) {
    const auto cut = [&](const Tensors& all) {
      std::vector<Tensor> out;
      for (const Tensor& tensor : all) out.push_back(tensor.slice({range}));
      return Tensors(std::move(out));
    };
    return Samples(cut(samples.x), cut(samples.y),
                   samples.sample_weight.defined() ? samples.sample_weight.slice({range}) : Tensor());
  };
  return {part(Slice(0, at)), part(Slice(at, count))};
}

}  // namespace

History Model::fit(const Tensors& x, const Tensors& y, const FitOptions& options) {
  training("fit");
  check(options);
  const FlushDenormals fast;
  FeedOptions feeding{.batch_size = options.batch_size, .class_weight = options.class_weight};
  Samples train(x, y, options.sample_weight);
  prepare("fit", *make_feed("fit", train, feeding));  // all of the samples
  std::unique_ptr<Feed> validation;
  if (options.validation_split > 0) {
    auto [first, rest] = split(train, options.validation_split);
    train = std::move(first);
    validation = make_feed("fit", rest, {.batch_size = options.batch_size});
  }
  feeding.shuffle = options.shuffle;
  feeding.seed = options.seed;
  return fit(*make_feed("fit", train, feeding), validation.get(), options);
}

History Model::fit(data::DataLoader& loader, const FitOptions& options) {
  training("fit");
  check(options);
  if (options.validation_split > 0 || options.sample_weight.defined())
    fail<ValueError>("fit", "options that need tensors; got ",
                     options.sample_weight.defined() ? "sample_weight" : "validation_split",
                     " beside a loader, expected neither; split the dataset, or use class_weight");
  const FlushDenormals fast;
  const std::unique_ptr<Feed> feed = make_feed("fit", loader, options.class_weight);
  prepare("fit", *feed);
  return fit(*feed, nullptr, options);
}

History Model::fit(const data::Dataset& dataset, const FitOptions& options) {
  check(options);
  const std::shared_ptr<const data::Dataset> lent(std::shared_ptr<void>(), &dataset);
  return fit(data::DataLoader(lent, {.batch_size = options.batch_size, .shuffle = options.shuffle, .seed = options.seed}),
             options);
}

History Model::fit(Feed& feed, Feed* validation, const FitOptions& options) {
  const FlushDenormals fast;
  std::unique_ptr<Feed> given;
  if (options.validation_data.defined()) {
    given = make_feed("fit: validation data", options.validation_data, {.batch_size = options.batch_size});
    prepare("fit: validation data", *given);
    validation = given.get();
  }
  Trainer trainer(*this, feed, validation, options);
  try {
    return trainer.train();
  } catch (...) {
    trainer.abandon();
    throw;
  }
}

}  // namespace gradus::nn
