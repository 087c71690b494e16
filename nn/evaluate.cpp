// Model: everything that uses a model without an epoch of training.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>

#include "autograd/flush_denormals.h"
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "data/loader.h"
#include "nn/model.h"
#include "nn/objective.h"
#include "nn/progress.h"

namespace gradus::nn {
namespace {

void check_batch_size(std::string_view op, int64_t batch_size) {
  if (batch_size < 1) fail<ValueError>(op, "batch size out of range; got ", batch_size, ", expected >= 1");
}

Logs logs_of(const Objective& objective) {
  Logs out;
  objective.write(out);
  return out;
}

int64_t samples_of(const std::vector<Tensor>& x) {
  if (x.empty()) fail<ValueError>("predict", "no inputs; got none, expected one tensor for each");
  for (const Tensor& tensor : x) {
    if (tensor.ndim() == 0) fail<ShapeError>("predict", "no sample axis; got ", tensor.shape(), ", expected [samples, ...]");
    if (tensor.shape()[0] != x[0].shape()[0])
      fail<ShapeError>("predict", "inputs of different lengths; got ", tensor.shape(), " beside ", x[0].shape(),
                       ", expected equal numbers of samples");
  }
  return x[0].shape()[0];
}

}  // namespace

Logs Model::evaluate(const Tensors& x, const Tensors& y, const EvaluateOptions& options) {
  check_batch_size("evaluate", options.batch_size);
  training("evaluate");
  return evaluate(*make_feed("evaluate", {x, y, options.sample_weight}, {.batch_size = options.batch_size}), options);
}

Logs Model::evaluate(const data::DataLoader& loader, const EvaluateOptions& options) {
  training("evaluate");
  if (options.sample_weight.defined())
    fail<ValueError>("evaluate", "sample_weight beside a loader; got weights ", options.sample_weight.shape(), ", expected none");
  return evaluate(*make_feed("evaluate", loader, {}), options);
}

Logs Model::evaluate(const data::Dataset& dataset, const EvaluateOptions& options) {
  check_batch_size("evaluate", options.batch_size);
  const std::shared_ptr<const data::Dataset> lent(std::shared_ptr<void>(), &dataset);
  return evaluate(data::DataLoader(lent, {.batch_size = options.batch_size}), options);
}

Logs Model::evaluate(Feed& feed, const EvaluateOptions& options) {
  if (options.steps < 0) fail<ValueError>("evaluate", "number of batches out of range; got ", options.steps, ", expected >= 0");
  const FlushDenormals fast;
  std::ostream& out = options.output ? *options.output : std::cout;
  Progress progress(out, Progress::style_of(options.verbose, Progress::is_terminal(out)));
  prepare("evaluate", feed);

  const NoRecord pause;
  Objective objective(training_, *this);
  Batch batch;
  std::vector<Outputs> outputs;
  const int64_t steps = options.steps > 0 ? options.steps : feed.size();
  progress.begin("", steps);
  for (int64_t step = 0; step < steps; ++step) {
    feed.next(batch);
    test_step(batch, objective, outputs);
    if (progress.step()) progress.draw(logs_of(objective));
  }
  const Logs logs = logs_of(objective);
  progress.end(logs);
  return logs;
}

std::vector<Tensor> Model::predict(const std::vector<Tensor>& x, const PredictOptions& options) {
  check_batch_size("predict", options.batch_size);
  const int64_t count = samples_of(x);
  const NoRecord pause;
  const FlushDenormals fast;
  const PrecisionScope scope(training_ ? training_->precision : active_precision());
  const auto outputs_of = [&](const std::vector<Tensor>& part) {
    std::vector<Tensor> outputs =
        num_outputs() == 1 && part.size() == 1 ? std::vector<Tensor>{call(part[0], false)} : call_all(part, false);
    for (Tensor& output : outputs) output = detail::leave_mixed_precision(output);
    return outputs;
  };
  if (count <= options.batch_size) return outputs_of(x);
  std::vector<std::vector<Tensor>> parts;  // of each output
  for (int64_t begin = 0; begin < count; begin += options.batch_size) {
    std::vector<Tensor> part;
    for (const Tensor& tensor : x) part.push_back(tensor.slice({Slice(begin, std::min(count, begin + options.batch_size))}));
    std::vector<Tensor> outputs = outputs_of(part);
    parts.resize(outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) parts[i].push_back(std::move(outputs[i]));
  }
  std::vector<Tensor> joined;
  for (const std::vector<Tensor>& part : parts) joined.push_back(concat(part));
  return joined;
}

Tensor Model::predict(const Tensor& x, const PredictOptions& options) {
  if (num_outputs() != 1)
    fail<ValueError>("predict", "several outputs; got a model with ", num_outputs(),
                     ", expected one; give the inputs as a std::vector<Tensor>");
  return predict(std::vector<Tensor>{x}, options)[0];
}

Tensor Model::predict(const data::DataLoader& loader) {
  data::DataLoader batches = loader;
  std::vector<Tensor> parts;
  for (const auto& batch : batches) parts.push_back(predict_on_batch(batch.x));
  if (parts.empty()) fail<ShapeError>("predict", "no samples; got an empty loader, expected at least one batch");
  return concat(parts);
}

Logs Model::train_on_batch(const Tensors& x, const Tensors& y, const BatchOptions& options) {
  const std::shared_ptr<Training> keep = training("train_on_batch");
  const FlushDenormals fast;
  const std::unique_ptr<Feed> feed =
      make_feed("train_on_batch", {x, y, options.sample_weight},
                {.batch_size = std::numeric_limits<int64_t>::max() / 2, .class_weight = options.class_weight});
  prepare("train_on_batch", *feed);
  Objective objective(keep, *this);
  Batch batch;
  std::vector<Outputs> outputs;
  feed->next(batch);
  const double value = train_step(batch, objective, outputs, trainable_variables());
  if (!std::isfinite(value))
    fail<ValueError>("train_on_batch", "loss is not finite; got ", value, ", expected a number; the weights are those before");
  return logs_of(objective);
}

Logs Model::test_on_batch(const Tensors& x, const Tensors& y, const BatchOptions& options) {
  return evaluate(x, y, {.batch_size = std::numeric_limits<int64_t>::max() / 2, .sample_weight = options.sample_weight});
}

Tensor Model::predict_on_batch(const Tensor& x) { return predict(x, {.batch_size = std::numeric_limits<int64_t>::max() / 2}); }

}  // namespace gradus::nn
