// What compile() sets, and Objective: the loss of a batch and the running means of a pass. Internal.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/feed.h"
#include "nn/model.h"

namespace gradus::nn {

/// One output's part of the loss, and its metrics.
struct Head {
  std::string name;
  Loss loss;
  double weight = 1;
  std::vector<Metric> metrics, weighted_metrics;
};

struct Training {
  std::unique_ptr<optim::Optimizer> optimizer;
  std::vector<Head> heads;  // one per output
  Precision precision;
  optim::LossScale loss_scale;
};

/// One thread at a time; the model's variables exist before it is made.
class Objective {
 public:
  Objective(std::shared_ptr<const Training> training, const Module& model);

  /// The scalar to minimise: the weighted sum of the heads' losses, and what regularizers add.
  Tensor loss(const Batch& batch, const std::vector<Outputs>& outputs);
  /// Adds the batch whose loss() was computed last, and gave `total`, to the means.
  void add(const Batch& batch, const std::vector<Outputs>& outputs, double total);
  /// Sets `prefix` + "loss" and the metrics.
  void write(Logs& logs, std::string_view prefix = "") const;
  void reset();

  State state() const;
  void load_state(std::string_view op, const State& state);

 private:
  std::shared_ptr<const Training> training_;
  std::vector<Penalty> penalties_;  // collected once: no walk over the layers in the loop
  std::vector<Meter> meters_;       // of each head
  std::vector<Tensor> parts_;       // the heads' losses, where there are several
  struct {
    double sum = 0, samples = 0;
  } total_;
};

}  // namespace gradus::nn
