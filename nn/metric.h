// Metric: what compile({.metrics = {...}}) takes, and Meter: the running means of one epoch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograd/tensor.h"
#include "nn/logs.h"
#include "nn/loss.h"

namespace gradus::nn {

namespace detail {
struct MetricRow;
}

/// A sum over samples (or their elements) and their number; the metric is the quotient.
struct Tally {
  double sum = 0;
  int64_t count = 0;
};

class Metric {
 public:
  using Function = std::function<Tensor(const Tensor& y, const Tensor& predictions)>;

  /// "accuracy" (binary for predictions of width 1, else sparse or categorical by the targets' shape), "binary_accuracy",
  /// "sparse_categorical_accuracy", "categorical_accuracy", "mean_squared_error" ("mse") or "mean_absolute_error" ("mae").
  /// ValueError listing these for any other name.
  Metric(std::string_view name);
  Metric(const char* name) : Metric(std::string_view(name)) {}
  Metric(const std::string& name) : Metric(std::string_view(name)) {}
  /// A function of targets and predictions whose elements are averaged. ValueError for an empty name.
  Metric(std::string name, Function function);

  const std::string& name() const { return name_; }
  Tally operator()(const Tensor& y, const Outputs& outputs) const;

 private:
  std::string name_;
  const detail::MetricRow* row_ = nullptr;  // null: function_
  std::shared_ptr<const Function> function_;
};

/// Running means of the loss and the metrics, weighted by the number of samples.
class Meter {
 public:
  /// `metrics` get no weights, `weighted` ones do. A weighted metric whose name is taken is called "weighted_" + its name.
  explicit Meter(const std::vector<Metric>& metrics, const std::vector<Metric>& weighted = {});

  /// Adds one batch of `samples` samples with loss `loss`, and weights [samples] unless they are undefined.
  void add(double loss, int64_t samples, const Tensor& y, const Outputs& outputs, const Tensor& weights = {});
  /// Sets `prefix` + "loss" and `prefix` + the name of each metric.
  void write(Logs& logs, std::string_view prefix = "") const;
  void reset();
  /// All that the means are made of (float64, one axis), for checkpoints; and back. ValueError for what other metrics gave.
  Tensor state() const;
  void load_state(const Tensor& state);

 private:
  struct Part {
    std::string name;
    Metric metric;
    Tally tally;
  };
  std::vector<Part> parts_;
  Tally loss_;
};

}  // namespace gradus::nn
