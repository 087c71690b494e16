#include "nn/objective.h"

#include <utility>

#include "autograd/ops.h"

namespace gradus::nn {

Objective::Objective(std::shared_ptr<const Training> training, const Module& model)
    : training_(std::move(training)), penalties_(model.penalties()) {
  for (const Head& head : training_->heads) meters_.emplace_back(head.metrics, head.weighted_metrics);
}

Tensor Objective::loss(const Batch& batch, const std::vector<Outputs>& outputs) {
  const std::vector<Head>& heads = training_->heads;
  parts_.clear();
  Tensor total;
  for (size_t i = 0; i < heads.size(); ++i) {
    const Tensor per_sample = heads[i].loss(batch.y[i], outputs[i]);
    const Tensor weights = batch.weights.defined() ? batch.weights.astype(per_sample.dtype()) : Tensor();
    Tensor part = heads[i].loss.reduce(per_sample, weights);
    if (heads.size() > 1) parts_.push_back(part);
    if (heads[i].weight != 1) part = part * heads[i].weight;
    total = total.defined() ? total + part : part;
  }
  for (const Penalty& penalty : penalties_) total = total + penalty.regularizer(penalty.variable);
  return total;
}

void Objective::add(const Batch& batch, const std::vector<Outputs>& outputs, double total) {
  const int64_t samples = batch.samples();
  total_.sum += total * static_cast<double>(samples);
  total_.samples += static_cast<double>(samples);
  for (size_t i = 0; i < meters_.size(); ++i) {
    const double part = parts_.empty() ? total : parts_[i].item<double>();
    meters_[i].add(part, samples, batch.y[i], outputs[i], batch.weights);
  }
  parts_.clear();
}

void Objective::write(Logs& logs, std::string_view prefix) const {
  for (size_t i = 0; i < meters_.size(); ++i)
    meters_[i].write(logs, meters_.size() > 1 ? text(prefix, training_->heads[i].name, "_") : std::string(prefix));
  logs.set(text(prefix, "loss"), total_.samples == 0 ? 0 : total_.sum / total_.samples);
}

void Objective::reset() {
  total_ = {};
  for (Meter& meter : meters_) meter.reset();
}

State Objective::state() const {
  State out{{"total", Tensor({total_.sum, total_.samples})}};
  for (size_t i = 0; i < meters_.size(); ++i) out.emplace(text("metrics.", i), meters_[i].state());
  return out;
}

void Objective::load_state(std::string_view op, const State& state) {
  std::vector<Meter> meters = meters_;
  for (size_t i = 0; i < meters.size(); ++i) meters[i].load_state(detail::entry(op, state, text("metrics.", i)));
  const std::vector<double> total = detail::entry(op, state, "total").to_vector<double>();
  if (total.size() != 2) fail<ValueError>(op, "malformed entry; got ", total.size(), " values of \"total\", expected 2");
  meters_ = std::move(meters);
  total_ = {total[0], total[1]};
}

}  // namespace gradus::nn
