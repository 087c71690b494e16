#include "nn/model.h"

#include <algorithm>
#include <iostream>

#include "autograd/flush_denormals.h"
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "nn/progress.h"

namespace gradus::nn {

void Model::compile(const CompileOptions& options) {
  if (!options.loss) fail<ValueError>("compile", "no loss; got none, expected a name such as \"mse\" or a function");
  std::vector<std::string_view> names{"loss"};
  for (const Metric& metric : options.metrics) {
    if (std::ranges::find(names, metric.name()) != names.end())
      fail<ValueError>("compile", "name used twice; got metric \"", metric.name(),
                       "\" again, expected different names, none of them \"loss\"");
    names.push_back(metric.name());
  }
  training_ = std::make_shared<Training>(
      Training{options.optimizer.create(), *options.loss, options.metrics, options.precision, options.precision.loss_scale()});
}

Model::Training& Model::training(std::string_view op) const {
  if (!training_) fail<ValueError>(op, "model is not compiled; got no optimizer and loss, expected a call of compile() before");
  return *training_;
}

optim::Optimizer& Model::optimizer() const { return *training("optimizer").optimizer; }

const optim::LossScale& Model::loss_scale() const { return training("loss_scale").loss_scale; }

Shape Model::output_shape(const Shape& input) const {
  fail<ValueError>(type(), "output shape not known; got input ", input, ", expected a model that overrides output_shape()");
}

const Activation* Model::output_activation_of(size_t) const { return output_activation(); }

std::vector<Tensor> Model::call_all(const std::vector<Tensor>& inputs, bool training, const std::vector<bool>& as_logits) {
  if (inputs.size() != 1) fail<ValueError>(type(), "wrong number of inputs; got ", inputs.size(), ", expected 1");
  return {as_logits.empty() || !as_logits[0] ? call(inputs[0], training) : logits(inputs[0], training)};
}

Outputs Model::forward(const Tensor& x, const Loss& loss, bool training) {
  const PrecisionScope scope(training_->precision);
  const Activation* last = output_activation();
  if (loss.absorbs(last)) return {detail::leave_mixed_precision(logits(x, training)), last};
  return {detail::leave_mixed_precision(call(x, training)), loss.missing_activation()};
}

void Model::prepare(std::string_view op, const Samples& samples) {
  const auto& [x, y] = samples;
  Training& t = training(op);
  if (x.ndim() == 0 || y.ndim() == 0)
    fail<ShapeError>(op, "no sample axis; got x ", x.shape(), " and y ", y.shape(), ", expected [samples, ...]");
  if (x.shape()[0] != y.shape()[0])
    fail<ShapeError>(op, "x and y of different lengths; got x ", x.shape(), " and y ", y.shape(),
                     ", expected as many targets as samples");
  if (x.shape()[0] == 0) fail<ShapeError>(op, "no samples; got x ", x.shape(), ", expected at least one");
  // One sample through everything: builds lazy layers, and functions that do not fit fail here instead of after an epoch.
  const NoRecord pause;
  const Tensor first = y.slice({Slice(0, 1)});
  const Outputs outputs = forward(x.slice({Slice(0, 1)}), t.loss, false);
  t.loss.check(y, outputs.raw().shape());
  t.loss(first, outputs);
  Meter(t.metrics).add(0, 1, first, outputs);
}

void Model::measure(const Samples& samples, int64_t batch_size, Meter& meter, const std::function<void()>& on_batch) {
  const NoRecord pause;
  const Loss& loss = training_->loss;
  const int64_t count = samples.x.shape()[0];
  for (int64_t begin = 0; begin < count; begin += batch_size) {
    const Slice range(begin, std::min(count, begin + batch_size));
    const Tensor y = samples.y.slice({range});
    const Outputs outputs = forward(samples.x.slice({range}), loss, false);
    meter.add(mean(loss(y, outputs)).item<double>(), y.shape()[0], y, outputs);
    if (on_batch) on_batch();
  }
}

Logs Model::evaluate(const Tensor& x, const Tensor& y, const EvaluateOptions& options) {
  if (options.batch_size < 1)
    fail<ValueError>("evaluate", "batch size out of range; got ", options.batch_size, ", expected >= 1");
  const FlushDenormals fast;
  std::ostream& out = options.output ? *options.output : std::cout;
  Progress progress(out, Progress::style_of(options.verbose, Progress::is_terminal(out)));
  prepare("evaluate", {x, y});

  Meter meter(training_->metrics);
  const auto logs = [&] {
    Logs values;
    meter.write(values);
    return values;
  };
  progress.begin("", (x.shape()[0] + options.batch_size - 1) / options.batch_size);
  measure({x, y}, options.batch_size, meter, [&] {
    if (progress.step()) progress.draw(logs());
  });
  progress.end(logs());
  return logs();
}

Tensor Model::predict(const Tensor& x, const PredictOptions& options) {
  if (options.batch_size < 1) fail<ValueError>("predict", "batch size out of range; got ", options.batch_size, ", expected >= 1");
  if (x.ndim() == 0) fail<ShapeError>("predict", "no sample axis; got ", x.shape(), ", expected [samples, ...]");
  const NoRecord pause;
  const FlushDenormals fast;
  const PrecisionScope scope(training_ ? training_->precision : active_precision());
  const auto outputs = [&](const Tensor& part) { return detail::leave_mixed_precision(call(part, false)); };
  const int64_t count = x.shape()[0];
  if (count <= options.batch_size) return outputs(x);
  std::vector<Tensor> parts;
  for (int64_t begin = 0; begin < count; begin += options.batch_size)
    parts.push_back(outputs(x.slice({Slice(begin, std::min(count, begin + options.batch_size))})));
  return concat(parts);
}

}  // namespace gradus::nn
