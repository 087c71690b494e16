#include "nn/metric.h"

#include <algorithm>
#include <array>

#include "autograd/ops.h"
#include "nn/losses.h"
#include "optim/lookup.h"

namespace gradus::nn {
namespace detail {

struct MetricRow {
  std::string_view name;
  Tally (*tally)(std::string_view name, const Tensor& y, const Outputs& outputs);
};

}  // namespace detail

namespace {

Tally tally_of(const Tensor& values) { return {sum(values).item<double>(), values.size()}; }

Tally sparse_accuracy(std::string_view name, const Tensor& y, const Outputs& outputs) {
  // The softmax does not change which class is first.
  return tally_of(argmax(outputs.raw(), -1) == detail::match_labels(name, y, outputs.raw().shape()));
}

Tally categorical_accuracy(std::string_view name, const Tensor& y, const Outputs& outputs) {
  const Tensor targets = detail::match_targets(name, y, outputs.raw().shape(), y.dtype());
  return tally_of(argmax(outputs.raw(), -1) == argmax(targets, -1));
}

Tally binary_accuracy(std::string_view name, const Tensor& y, const Outputs& outputs) {
  const Tensor targets = detail::match_targets(name, y, outputs.raw().shape(), outputs.raw().dtype());
  const Tensor positive = outputs.raw() > (outputs.are_logits() ? 0.0 : 0.5);
  return tally_of(positive.astype(targets.dtype()) == targets);
}

/// Keras' rule: a width of 1 is binary; targets without the class axis are class numbers; otherwise one-hot rows.
Tally accuracy(std::string_view name, const Tensor& y, const Outputs& outputs) {
  const Shape& p = outputs.raw().shape();
  if (p.ndim() <= 1 || p.back() == 1) return binary_accuracy(name, y, outputs);
  if (y.ndim() < p.ndim() || y.shape().back() == 1) return sparse_accuracy(name, y, outputs);
  return categorical_accuracy(name, y, outputs);
}

Tally squared_error(std::string_view, const Tensor& y, const Outputs& outputs) {
  return tally_of(mean_squared_error(y, outputs.predictions()));
}

Tally absolute_error(std::string_view, const Tensor& y, const Outputs& outputs) {
  return tally_of(mean_absolute_error(y, outputs.predictions()));
}

constexpr std::array<detail::MetricRow, 8> kMetrics{{
    {"accuracy", accuracy},
    {"binary_accuracy", binary_accuracy},
    {"sparse_categorical_accuracy", sparse_accuracy},
    {"categorical_accuracy", categorical_accuracy},
    {"mean_squared_error", squared_error},
    {"mse", squared_error},
    {"mean_absolute_error", absolute_error},
    {"mae", absolute_error},
}};

double quotient(const Tally& tally) { return tally.count == 0 ? 0 : tally.sum / static_cast<double>(tally.count); }

}  // namespace

Metric::Metric(std::string_view name) : name_(name), row_(&gradus::detail::find_by_name("Metric", "metric", name, kMetrics)) {}

Metric::Metric(std::string name, Function function)
    : name_(std::move(name)), function_(std::make_shared<const Function>(std::move(function))) {
  if (name_.empty()) fail<ValueError>("Metric", "no name; got \"\", expected a name for the logs");
}

Tally Metric::operator()(const Tensor& y, const Outputs& outputs) const {
  return row_ ? row_->tally(name_, y, outputs) : tally_of((*function_)(y, outputs.predictions()));
}

Meter::Meter(const std::vector<Metric>& metrics, const std::vector<Metric>& weighted) {
  for (const Metric& metric : metrics) parts_.push_back({metric.name(), metric, {}});
  for (const Metric& metric : weighted) {
    const bool taken = std::ranges::any_of(metrics, [&](const Metric& other) { return other.name() == metric.name(); });
    parts_.push_back({taken ? "weighted_" + metric.name() : metric.name(), metric, {}});
  }
}

void Meter::add(double loss, int64_t samples, const Tensor& y, const Outputs& outputs, const Tensor&) {
  loss_.sum += loss * static_cast<double>(samples);
  loss_.count += samples;
  for (Part& part : parts_) {
    const Tally tally = part.metric(y, outputs);
    part.tally.sum += tally.sum;
    part.tally.count += tally.count;
  }
}

void Meter::write(Logs& logs, std::string_view prefix) const {
  logs.set(text(prefix, "loss"), quotient(loss_));
  for (const Part& part : parts_) logs.set(text(prefix, part.name), quotient(part.tally));
}

void Meter::reset() {
  loss_ = {};
  for (Part& part : parts_) part.tally = {};
}

Tensor Meter::state() const {
  std::vector<double> values{loss_.sum, static_cast<double>(loss_.count)};
  for (const Part& part : parts_) values.insert(values.end(), {part.tally.sum, static_cast<double>(part.tally.count)});
  return Tensor(values);
}

void Meter::load_state(const Tensor& state) {
  const std::vector<double> values = state.to_vector<double>();
  if (values.size() != 2 + 2 * parts_.size())
    fail<ValueError>("Meter", "state of other metrics; got ", values.size(), " values, expected ", 2 + 2 * parts_.size());
  const auto tally = [&](size_t i) { return Tally{values[i], static_cast<int64_t>(values[i + 1])}; };
  loss_ = tally(0);
  for (size_t i = 0; i < parts_.size(); ++i) parts_[i].tally = tally(2 + 2 * i);
}

}  // namespace gradus::nn
