// Relatives of Adam: Adamax (Kingma and Ba 2015, section 7), Nadam (Dozat 2016) and RAdam (Liu et al. 2020).
#pragma once

#include <memory>

#include "optim/recurrence.h"

namespace gradus::optim {

struct AdamaxOptions {
  LearningRate learning_rate = 1e-3;  // 2e-3 in PyTorch
  double beta_1 = 0.9;                // in [0, 1)
  double beta_2 = 0.999;              // in [0, 1)
  double epsilon = 1e-7;              // 1e-8 in PyTorch
  bool epsilon_inside = false;        // of the maximum, as in PyTorch
};

/// m = b1 m + (1 - b1) g;  p -= lr / (1 - b1^t) * m / d,  where
///   Keras:    u = max(b2 u, |g|), d = u + epsilon
///   PyTorch:  u = max(b2 u, |g| + epsilon), d = u
class Adamax : public RecurrenceOptimizer {
 public:
  using Options = AdamaxOptions;
  /// ValueError for options out of range.
  explicit Adamax(Options options = {}, const CommonOptions& common = {});

  std::string_view name() const override { return "adamax"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Adamax>(*this); }

 private:
  Recurrence recurrence(const Step& step) const override;

  Options options_;
};

struct NadamOptions {
  LearningRate learning_rate = 1e-3;  // 2e-3 in PyTorch
  double beta_1 = 0.9;                // in [0, 1)
  double beta_2 = 0.999;              // in [0, 1)
  double epsilon = 1e-7;              // 1e-8 in PyTorch
  double momentum_decay = 1;          // how fast the momentum reaches beta_1; 4e-3 in PyTorch; >= 0
};

/// Adam with Nesterov's momentum. u_t = b1 (1 - 0.96^(t momentum_decay) / 2);  m and v as in Adam;
///   p -= lr (u_{t+1} m / (1 - u_1 ... u_{t+1}) + (1 - u_t) g / (1 - u_1 ... u_t)) / (sqrt(v / (1 - b2^t)) + epsilon)
/// as Keras and PyTorch since 2.0 have it.
class Nadam : public RecurrenceOptimizer {
 public:
  using Options = NadamOptions;
  /// ValueError for options out of range.
  explicit Nadam(Options options = {}, const CommonOptions& common = {});

  std::string_view name() const override { return "nadam"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Nadam>(*this); }

 private:
  Recurrence recurrence(const Step& step) const override;

  /// u_1 ... u_t; asked for one step after the other, it costs one multiplication.
  double momentum_product(int64_t t) const;
  double momentum_at(int64_t t) const;  // u_t

  Options options_;
  mutable int64_t product_end_ = 0;
  mutable double product_ = 1;
};

struct RAdamOptions {
  LearningRate learning_rate = 1e-3;
  double beta_1 = 0.9;    // in [0, 1)
  double beta_2 = 0.999;  // in [0, 1)
  double epsilon = 1e-8;
};

/// Adam whose first steps, when v is not known well, go without it (PyTorch's form; Keras has none). m and v as in Adam;
/// r_inf = 2 / (1 - b2) - 1;  r = r_inf - 2 t b2^t / (1 - b2^t);  with mh = m / (1 - b1^t):
///   r > 5:      p -= lr mh sqrt((r-4) (r-2) r_inf / ((r_inf-4) (r_inf-2) r)) sqrt(1 - b2^t) / (sqrt(v) + epsilon)
///   otherwise:  p -= lr mh
class RAdam : public RecurrenceOptimizer {
 public:
  using Options = RAdamOptions;
  /// ValueError for options out of range.
  explicit RAdam(Options options = {}, const CommonOptions& common = {});

  std::string_view name() const override { return "radam"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<RAdam>(*this); }

 private:
  Recurrence recurrence(const Step& step) const override;

  Options options_;
};

}  // namespace gradus::optim
