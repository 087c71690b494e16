// Optimizer: what every optimiser shares: checking gradients, keeping state per variable, counting steps.
//
// State (velocities, moments) belongs to the optimiser and is keyed by the variable; the optimiser keeps a handle of each
// variable it has seen. Copying an optimiser copies its state: the copies do not influence each other. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "autograd/tape.h"
#include "autograd/tensor.h"
#include "autograd/variable.h"

namespace gradus::optim {

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// One step: gradients[i] belongs to variables[i]. Frozen (untrainable) variables are skipped. Everything is checked before any
  /// variable changes: ValueError for lists of different lengths, an empty list, a variable given twice, or a missing gradient
  /// (with the reason it is missing); ShapeError and DTypeError for a gradient that does not fit its variable.
  void apply_gradients(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables);

  /// Differentiates the sum of `loss` on `tape` and applies the gradients. Errors as apply_gradients and GradientTape::gradient.
  void minimize(const Tensor& loss, const std::vector<Variable>& variables, GradientTape& tape);

  /// One step with what backward() has accumulated in Variable::grad(). The gradients stay; see zero_grad.
  void step(const std::vector<Variable>& variables);
  /// Forgets the accumulated gradients of all `variables`.
  static void zero_grad(const std::vector<Variable>& variables);

  double learning_rate() const { return learning_rate_; }
  /// ValueError unless finite and >= 0.
  void set_learning_rate(double learning_rate);
  /// Steps applied so far.
  int64_t iterations() const { return iterations_; }

  /// The name by which `optim::make` knows this kind: "sgd", "adam", ...
  virtual std::string_view name() const = 0;
  /// An independent copy, state included.
  virtual std::unique_ptr<Optimizer> clone() const = 0;

  /// Number and bytes of the values kept: the slots of every variable, the step counter and the learning rate.
  int64_t num_parameters() const;
  int64_t num_bytes() const;

  /// The complete state by name, for saving: "iterations" (int64), "learning_rate" (float64) and "<i>.<slot>" for variables[i].
  /// The tensors are snapshots: later steps do not change them.
  std::map<std::string, Tensor> state(const std::vector<Variable>& variables) const;
  /// Puts back what state() gave, for variables in the same order. Strict: ValueError naming an unknown or absent entry,
  /// ShapeError or DTypeError for one that does not fit; nothing changes then.
  void load_state(const std::map<std::string, Tensor>& state, const std::vector<Variable>& variables);

 protected:
  /// `slot_names`: one zero-initialised tensor per name and variable; static storage.
  Optimizer(double learning_rate, std::span<const std::string_view> slot_names);
  Optimizer(const Optimizer& other);
  Optimizer& operator=(const Optimizer& other);

  /// ValueError naming `op` and `what` unless low <= value < high.
  static void check_range(std::string_view op, std::string_view what, double value, double low, double high);

  /// Before the updates of step number `t` (from 1): bias corrections and the like.
  virtual void begin_step(int64_t t) = 0;
  /// Updates one variable in place. `gradient` is contiguous and fits the variable; `slots` follow the slot names.
  virtual void update(detail::TensorImpl& value, std::span<const Variable> slots, const detail::TensorImpl& gradient) = 0;

 private:
  struct Entry {
    Variable variable;
    std::vector<Variable> slots;
    uint64_t last_pass = 0;  // finds variables given twice
  };
  size_t find_or_add(const Variable& variable, size_t guess);
  std::vector<Variable> make_slots(const Variable& variable) const;

  double learning_rate_;
  int64_t iterations_ = 0;
  uint64_t pass_ = 0;
  std::span<const std::string_view> slot_names_;
  std::vector<Entry> entries_;                     // in order of first appearance
  std::unordered_map<const void*, size_t> index_;  // Variable::id() -> entry
  std::vector<size_t> order_;                      // scratch: entries of the current step
};

}  // namespace gradus::optim
