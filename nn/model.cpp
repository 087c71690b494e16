#include "nn/model.h"

#include <algorithm>
#include <cmath>

#include "autograd/tape.h"
#include "nn/objective.h"

namespace gradus::nn {
namespace {

/// Metrics of one list give one name each, none of them "loss"; a weighted metric may repeat the name of a plain one.
void check_names(const std::vector<Metric>& metrics) {
  std::vector<std::string_view> names{"loss"};
  for (const Metric& metric : metrics) {
    if (std::ranges::find(names, metric.name()) != names.end())
      fail<ValueError>("compile", "name used twice; got metric \"", metric.name(),
                       "\" again, expected different names, none of them \"loss\"");
    names.push_back(metric.name());
  }
}

}  // namespace

void Model::compile(const CompileOptions& options) {
  const std::vector<Loss>& losses = options.loss.list();
  const size_t outputs = num_outputs();
  const auto per_output = [&](std::string_view what, size_t given) {
    if (given != outputs)
      fail<ValueError>("compile", "wrong number of ", what, "; got ", given, ", expected ", outputs, ", one for each output");
  };
  if (losses.empty()) fail<ValueError>("compile", "no loss; got none, expected a name such as \"mse\" or a function");
  if (losses.size() != 1) per_output("losses", losses.size());
  if (!options.loss_weights.empty()) per_output("loss weights", options.loss_weights.size());
  if (!options.output_metrics.empty()) per_output("lists of metrics", options.output_metrics.size());
  for (const double weight : options.loss_weights)
    if (!std::isfinite(weight))
      fail<ValueError>("compile", "loss weight is not a number; got ", weight, ", expected a finite number");

  std::vector<Head> heads;
  for (size_t i = 0; i < outputs; ++i) {
    Head head{.name = output_name(i),
              .loss = losses.size() == 1 ? losses[0] : losses[i],
              .weight = options.loss_weights.empty() ? 1 : options.loss_weights[i],
              .metrics = options.metrics,
              .weighted_metrics = options.weighted_metrics};
    if (!options.output_metrics.empty())
      head.metrics.insert(head.metrics.end(), options.output_metrics[i].begin(), options.output_metrics[i].end());
    check_names(head.metrics);
    check_names(head.weighted_metrics);
    heads.push_back(std::move(head));
  }
  training_ = std::make_shared<Training>(
      Training{options.optimizer.create(), std::move(heads), options.precision, options.precision.loss_scale()});
}

std::shared_ptr<Training> Model::training(std::string_view op) const {
  if (!training_) fail<ValueError>(op, "model is not compiled; got no optimizer and loss, expected a call of compile() before");
  return training_;
}

optim::Optimizer& Model::optimizer() const { return *training("optimizer")->optimizer; }

const optim::LossScale& Model::loss_scale() const { return training("loss_scale")->loss_scale; }

Shape Model::output_shape(const Shape& input) const {
  fail<ValueError>(type(), "output shape not known; got input ", input, ", expected a model that overrides output_shape()");
}

std::string Model::output_name(size_t output) const { return text("output_", output + 1); }

const Activation* Model::output_activation_of(size_t) const { return output_activation(); }

std::vector<Tensor> Model::call_all(const std::vector<Tensor>& inputs, bool training, const std::vector<bool>& as_logits) {
  if (inputs.size() != 1) fail<ValueError>(type(), "wrong number of inputs; got ", inputs.size(), ", expected 1");
  return {as_logits.empty() || !as_logits[0] ? call(inputs[0], training) : logits(inputs[0], training)};
}

void Model::forward(const std::vector<Tensor>& x, bool training, std::vector<Outputs>& outputs) {
  const PrecisionScope scope(training_->precision);
  const std::vector<Head>& heads = training_->heads;
  outputs.clear();
  const auto add = [&](const Head& head, const Tensor& output, const Activation* last) {
    outputs.emplace_back(detail::leave_mixed_precision(output), head.loss.absorbs(last) ? last : head.loss.missing_activation());
  };
  if (heads.size() == 1 && x.size() == 1) {  // without lists
    const Activation* last = output_activation();
    return add(heads[0], heads[0].loss.absorbs(last) ? logits(x[0], training) : call(x[0], training), last);
  }
  std::vector<bool> as_logits;
  for (size_t i = 0; i < heads.size(); ++i) as_logits.push_back(heads[i].loss.absorbs(output_activation_of(i)));
  const std::vector<Tensor> all = call_all(x, training, as_logits);
  for (size_t i = 0; i < heads.size(); ++i) add(heads[i], all.at(i), output_activation_of(i));
}

double Model::train_step(const Batch& batch, Objective& objective, std::vector<Outputs>& outputs,
                         const std::vector<Variable>& trainable) {
  Training& training = *training_;
  const PrecisionScope scope(training.precision);  // for the way back, too: checkpointed layers compute once more there
  GradientTape tape;
  forward(batch.x, true, outputs);
  const Tensor loss = objective.loss(batch, outputs);
  const double value = loss.item<double>();
  if (!std::isfinite(value)) return value;
  const std::vector<Tensor> gradients = tape.gradient(training.loss_scale.apply(loss), trainable);
  training.loss_scale.step(*training.optimizer, gradients, trainable);
  objective.add(batch, outputs, value);
  outputs.clear();
  return value;
}

void Model::test_step(const Batch& batch, Objective& objective, std::vector<Outputs>& outputs) {
  forward(batch.x, false, outputs);
  const double value = objective.loss(batch, outputs).item<double>();
  objective.add(batch, outputs, value);
  outputs.clear();
}

void Model::prepare(std::string_view op, const Feed& feed) {
  const std::shared_ptr<Training> t = training(op);
  // One sample through everything: builds lazy layers, and functions that do not fit fail here instead of after an epoch.
  const NoRecord pause;
  const Batch first = feed.sample();
  if (first.x.size() != num_inputs() || first.y.size() != num_outputs())
    fail<ValueError>(op, "wrong number of inputs or targets; got ", first.x.size(), " and ", first.y.size(), ", expected ",
                     num_inputs(), " and ", num_outputs());
  std::vector<Outputs> outputs;
  forward(first.x, false, outputs);
  const std::vector<Tensor> known = feed.targets();
  for (size_t i = 0; i < outputs.size(); ++i)
    t->heads[i].loss.check(known.empty() ? first.y[i] : known[i], outputs[i].raw().shape());
  Objective objective(t, *this);
  objective.add(first, outputs, objective.loss(first, outputs).item<double>());
}

}  // namespace gradus::nn
