// Optimizer: what every optimiser shares: checking gradients, the options around a step, state per variable, counting steps.
//
// State (velocities, moments, averages) belongs to the optimiser and is keyed by the variable; the optimiser keeps a handle of
// each variable it has seen. Copying an optimiser copies its state: the copies do not influence each other. One thread at a time.
//
// An optimiser of one's own states its slots and its update:
//
//   struct HeavyBall : optim::Optimizer {
//     HeavyBall() : Optimizer("HeavyBall", 0.1, {{"velocity"}}, {}) {}
//     std::string_view name() const override { return "heavy_ball"; }
//     std::unique_ptr<Optimizer> clone() const override { return std::make_unique<HeavyBall>(*this); }
//     void update(const Step& step, const Variable& p, std::span<const Variable> slots, const Tensor& g) override {
//       slots[0].assign(0.9 * slots[0].value() + g);
//       p.assign_sub(step.rate * slots[0].value());
//     }
//   };
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "autograd/tape.h"
#include "autograd/tensor.h"
#include "autograd/variable.h"
#include "optim/common_options.h"
#include "optim/learning_rate.h"

namespace gradus::optim {

class Optimizer {
 public:
  virtual ~Optimizer();

  /// One step: gradients[i] belongs to variables[i]. Frozen (untrainable) variables are skipped. Everything is checked before any
  /// variable changes: ValueError for lists of different lengths, an empty list, a variable given twice, or a missing gradient
  /// (with the reason it is missing); ShapeError and DTypeError for a gradient that does not fit its variable; ValueError while
  /// the averages are swapped in. With accumulate_steps, only every so many calls are a step.
  void apply_gradients(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables);

  /// Differentiates the sum of `loss` on `tape` and applies the gradients. Errors as apply_gradients and GradientTape::gradient.
  void minimize(const Tensor& loss, const std::vector<Variable>& variables, GradientTape& tape);

  /// One step with what backward() has accumulated in Variable::grad(). The gradients stay; see zero_grad.
  void step(const std::vector<Variable>& variables);
  /// Forgets the accumulated gradients of all `variables`.
  static void zero_grad(const std::vector<Variable>& variables);

  /// The rate of the next step.
  double learning_rate() const { return learning_rate_.at(iterations_); }
  /// ValueError unless finite and >= 0, and, as in Keras, when a schedule rules.
  void set_learning_rate(double learning_rate);
  bool learning_rate_is_schedule() const { return learning_rate_.is_schedule(); }
  /// Steps applied so far; the position of a schedule.
  int64_t iterations() const { return iterations_; }

  /// The name by which `optim::make` knows this kind: "sgd", "adam", ...
  virtual std::string_view name() const = 0;
  /// An independent copy, state included.
  virtual std::unique_ptr<Optimizer> clone() const = 0;

  const CommonOptions& common_options() const { return common_; }

  /// With use_ema: exchanges the values of `variables` and their averages; a second call puts them back. In between, neither
  /// steps nor state() are possible. Variables that have made no step stay as they are. ValueError without use_ema.
  void swap_averages(const std::vector<Variable>& variables);
  bool averages_swapped() const { return swapped_; }
  /// With use_ema, at the end of training: `variables` take their averages for good. Otherwise nothing.
  void finalize(const std::vector<Variable>& variables);

  /// Number and bytes of the values kept: the slots of every variable, the step counter and the learning rate.
  int64_t num_parameters() const;
  int64_t num_bytes() const;

  /// The complete state by name, for saving: "iterations" (int64), "learning_rate" (float64) and "<i>.<slot>" for variables[i];
  /// among the slots "average" with use_ema, and with accumulate_steps "accumulated_gradient", besides "accumulated_steps"
  /// (int64). The tensors are snapshots: later steps do not change them. ValueError while averages are swapped in.
  std::map<std::string, Tensor> state(const std::vector<Variable>& variables) const;
  /// Puts back what state() gave, for variables in the same order; a schedule goes on from "iterations". Strict: ValueError
  /// naming an unknown or absent entry, ShapeError or DTypeError for one that does not fit; nothing changes then.
  void load_state(const std::map<std::string, Tensor>& state, const std::vector<Variable>& variables);

 protected:
  /// A tensor per variable, of its shape and dtype, that starts filled with `initial`.
  struct Slot {
    std::string_view name;  // static storage
    double initial = 0;
  };
  /// What an update needs to know about its step.
  struct Step {
    int64_t t;    // number of the step, from 1
    double rate;  // the learning rate of this variable
    bool operator==(const Step&) const = default;
  };

  /// ValueError naming `op` for options out of range.
  Optimizer(std::string_view op, LearningRate learning_rate, std::vector<Slot> slots, const CommonOptions& common);
  Optimizer(const Optimizer&);
  Optimizer& operator=(const Optimizer&);

  /// Refuses a step before anything changes; called for every variable. Nothing by default.
  virtual void check_step(const Step&) const {}
  /// Updates one variable; nothing is recorded. `gradient` is contiguous and fits the variable; `slots` as given to the
  /// constructor.
  virtual void update(const Step& step, const Variable& variable, std::span<const Variable> slots, const Tensor& gradient) = 0;

 private:
  struct Entry {
    Variable variable;
    std::vector<Variable> slots;
    double rate_multiplier = 1, weight_decay = 0, l2 = 0;
    uint64_t last_pass = 0;  // finds variables given twice

    Entry(const Variable& v) : variable(v) {}
    Entry(const Entry& other);
    Entry(Entry&&) noexcept = default;
    Entry& operator=(const Entry& other) { return *this = Entry(other); }
    Entry& operator=(Entry&&) noexcept = default;
  };

  Entry make_entry(const Variable& variable) const;
  size_t find_or_add(const Variable& variable, size_t guess);
  const Entry* find(const Variable& variable) const;
  std::vector<Tensor> shaped(const std::vector<Tensor>& gradients);
  bool accumulate(std::vector<Tensor>& gradients);
  void average(const Entry& entry) const;
  const Variable& average_of(const Entry& entry) const { return entry.slots[own_slots_]; }
  const Variable& accumulated_of(const Entry& entry) const { return entry.slots.back(); }

  LearningRate learning_rate_;
  CommonOptions common_;
  std::vector<Slot> slots_;  // the optimiser's own, then those of the common options
  size_t own_slots_;
  bool shapes_gradients_, swapped_ = false;
  int64_t iterations_ = 0, accumulated_ = 0;
  uint64_t pass_ = 0;
  std::vector<Entry> entries_;                     // in order of first appearance
  std::unordered_map<const void*, size_t> index_;  // Variable::id() -> entry
  std::vector<size_t> order_;                      // scratch: entries of the current step
};

/// The averages stand in for the variables as long as this lives: for evaluation.
class UseAverages {
 public:
  /// Errors as Optimizer::swap_averages.
  UseAverages(Optimizer& optimizer, std::vector<Variable> variables) : optimizer_(optimizer), variables_(std::move(variables)) {
    optimizer_.swap_averages(variables_);
  }
  ~UseAverages() { optimizer_.swap_averages(variables_); }
  UseAverages(const UseAverages&) = delete;
  UseAverages& operator=(const UseAverages&) = delete;

 private:
  Optimizer& optimizer_;
  std::vector<Variable> variables_;
};

}  // namespace gradus::optim
