#include "optim/optimizer.h"

#include <cmath>
#include <limits>
#include <utility>

namespace gradus::optim {
namespace {

constexpr size_t kFrozen = std::numeric_limits<size_t>::max();

/// "variables[2] (hidden.kernel)"
std::string label(const Variable& variable, size_t position) {
  std::string out = text("variables[", position, "]");
  if (!variable.name().empty()) out += text(" (", variable.name(), ")");
  return out;
}

void check_gradient(std::string_view op, const Tensor& gradient, const Variable& variable, size_t position) {
  const Tensor& value = variable.value();
  if (!gradient.defined()) {
    std::string reason = gradient.missing_reason();
    if (reason.empty()) reason = "an undefined tensor";
    fail<ValueError>(op, label(variable, position), " has no gradient; got ", reason, ", expected a tensor of shape ",
                     value.shape(), "; leave the variable out of the list or set_trainable(false) if this is meant");
  }
  if (gradient.shape() != value.shape())
    fail<ShapeError>(op, "gradient does not fit ", label(variable, position), "; got ", gradient.shape(), ", expected ",
                     value.shape());
  if (gradient.dtype() != value.dtype())
    fail<DTypeError>(op, "gradient does not fit ", label(variable, position), "; got ", gradient.dtype(), ", expected ",
                     value.dtype());
}

}  // namespace

void Optimizer::check_range(std::string_view op, std::string_view what, double value, double low, double high) {
  if (!(value >= low && value < high))
    fail<ValueError>(op, what, " out of range; got ", value, ", expected [", low, ", ", high, ")");
}

Optimizer::Optimizer(double learning_rate, std::span<const std::string_view> slot_names)
    : learning_rate_(0), slot_names_(slot_names) {
  set_learning_rate(learning_rate);
}

Optimizer::Optimizer(const Optimizer& other)
    : learning_rate_(other.learning_rate_),
      iterations_(other.iterations_),
      slot_names_(other.slot_names_),
      entries_(other.entries_),
      index_(other.index_) {
  // Variables are handles; new ones over the same values make the state our own, copied when either side writes.
  for (Entry& entry : entries_) {
    entry.last_pass = 0;
    for (Variable& slot : entry.slots) slot = Variable(slot.value(), {.trainable = false});
  }
}

Optimizer& Optimizer::operator=(const Optimizer& other) {
  if (this == &other) return *this;
  const std::unique_ptr<Optimizer> copy = other.clone();
  learning_rate_ = copy->learning_rate_;
  iterations_ = copy->iterations_;
  pass_ = 0;
  slot_names_ = copy->slot_names_;
  entries_ = std::move(copy->entries_);
  index_ = std::move(copy->index_);
  return *this;
}

void Optimizer::set_learning_rate(double learning_rate) {
  if (!(learning_rate >= 0) || std::isinf(learning_rate))
    fail<ValueError>("optimizer", "learning rate out of range; got ", learning_rate, ", expected a finite value >= 0");
  learning_rate_ = learning_rate;
}

std::vector<Variable> Optimizer::make_slots(const Variable& variable) const {
  std::vector<Variable> slots;
  slots.reserve(slot_names_.size());
  for (const std::string_view name : slot_names_) {
    Variable::Options options{.name = text(variable.name(), ".", name), .trainable = false};
    slots.emplace_back(zeros(variable.shape(), variable.dtype()), std::move(options));
  }
  return slots;
}

size_t Optimizer::find_or_add(const Variable& variable, size_t guess) {
  // Nearly always the same list in the same order as last time.
  if (guess < entries_.size() && entries_[guess].variable.same_as(variable)) return guess;
  if (const auto found = index_.find(variable.id()); found != index_.end()) return found->second;
  entries_.push_back({variable, make_slots(variable)});
  index_.emplace(variable.id(), entries_.size() - 1);
  return entries_.size() - 1;
}

void Optimizer::apply_gradients(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables) {
  constexpr std::string_view op = "apply_gradients";
  if (gradients.size() != variables.size())
    fail<ValueError>(op, "lists of different lengths; got ", gradients.size(), " gradients, expected one for each of ",
                     variables.size(), " variables");
  if (variables.empty())
    fail<ValueError>(op,
                     "no variables; got an empty list, expected at least one; a layer has its variables after its first call");

  ++pass_;
  order_.clear();
  for (size_t i = 0; i < variables.size(); ++i) {
    if (!variables[i].trainable()) {
      order_.push_back(kFrozen);
      continue;
    }
    check_gradient(op, gradients[i], variables[i], i);
    const size_t at = find_or_add(variables[i], i);
    if (std::exchange(entries_[at].last_pass, pass_) == pass_)
      fail<ValueError>(op, "variable given twice; got ", label(variables[i], i), " again, expected each variable once");
    order_.push_back(at);
  }

  begin_step(++iterations_);
  for (size_t i = 0; i < variables.size(); ++i) {
    if (order_[i] == kFrozen) continue;
    const Entry& entry = entries_[order_[i]];
    if (gradients[i].is_contiguous()) {
      update(variables[i].writable(), entry.slots, gradients[i].impl());
    } else {
      const NoRecord pause;
      const Tensor copy = gradients[i].contiguous();
      update(variables[i].writable(), entry.slots, copy.impl());
    }
  }
}

void Optimizer::minimize(const Tensor& loss, const std::vector<Variable>& variables, GradientTape& tape) {
  apply_gradients(tape.gradient(loss, variables), variables);
}

void Optimizer::step(const std::vector<Variable>& variables) {
  std::vector<Tensor> gradients;
  gradients.reserve(variables.size());
  for (const Variable& variable : variables) gradients.push_back(variable.grad());
  apply_gradients(gradients, variables);
}

void Optimizer::zero_grad(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) variable.zero_grad();
}

int64_t Optimizer::num_parameters() const {
  int64_t count = 2;
  for (const Entry& entry : entries_)
    for (const Variable& slot : entry.slots) count += slot.size();
  return count;
}

int64_t Optimizer::num_bytes() const {
  int64_t bytes = static_cast<int64_t>(sizeof iterations_ + sizeof learning_rate_);
  for (const Entry& entry : entries_)
    for (const Variable& slot : entry.slots) bytes += slot.size() * size_of(slot.dtype());
  return bytes;
}

std::map<std::string, Tensor> Optimizer::state(const std::vector<Variable>& variables) const {
  std::map<std::string, Tensor> out;
  out.emplace("iterations", Tensor(iterations_));
  out.emplace("learning_rate", Tensor(learning_rate_));
  for (size_t i = 0; i < variables.size(); ++i) {
    const auto found = index_.find(variables[i].id());
    if (found == index_.end()) continue;
    const Entry& entry = entries_[found->second];
    for (size_t k = 0; k < slot_names_.size(); ++k) out.emplace(text(i, ".", slot_names_[k]), entry.slots[k].value());
  }
  return out;
}

void Optimizer::load_state(const std::map<std::string, Tensor>& state, const std::vector<Variable>& variables) {
  constexpr std::string_view op = "load_state";
  const auto scalar = [&](const char* name) -> const Tensor& {
    const auto found = state.find(name);
    if (found == state.end()) fail<ValueError>(op, "incomplete state; got no \"", name, "\", expected one");
    if (found->second.size() != 1)
      fail<ShapeError>(op, "\"", name, "\" is not a single value; got ", found->second.shape(), ", expected []");
    return found->second;
  };
  const int64_t iterations = scalar("iterations").item<int64_t>();
  const double learning_rate = scalar("learning_rate").item<double>();
  if (iterations < 0) fail<ValueError>(op, "negative iterations; got ", iterations, ", expected >= 0");

  // Into a fresh list first, so that an error leaves the optimiser as it was.
  std::vector<Entry> entries;
  std::unordered_map<const void*, size_t> index;
  size_t used = 2;
  for (size_t i = 0; i < variables.size(); ++i) {
    std::vector<Variable> slots;
    for (const std::string_view slot : slot_names_) {
      const std::string name = text(i, ".", slot);
      const auto found = state.find(name);
      if (found == state.end()) {
        if (slots.empty() && !state.contains(text(i, ".", slot_names_.back()))) break;  // a variable never stepped
        fail<ValueError>(op, "incomplete state; got no \"", name, "\", expected one");
      }
      const Tensor& value = found->second;
      if (value.shape() != variables[i].shape())
        fail<ShapeError>(op, "\"", name, "\" does not fit ", label(variables[i], i), "; got ", value.shape(), ", expected ",
                         variables[i].shape());
      if (value.dtype() != variables[i].dtype())
        fail<DTypeError>(op, "\"", name, "\" does not fit ", label(variables[i], i), "; got ", value.dtype(), ", expected ",
                         variables[i].dtype());
      slots.emplace_back(value, Variable::Options{.name = text(variables[i].name(), ".", slot), .trainable = false});
      ++used;
    }
    if (slots.size() != slot_names_.size()) continue;
    index.emplace(variables[i].id(), entries.size());
    entries.push_back({variables[i], std::move(slots)});
  }
  if (used != state.size())
    fail<ValueError>(op, "entries that belong to no variable; got ", state.size(), " entries, expected ", used, " for ", name(),
                     " with ", variables.size(), " variables");
  set_learning_rate(learning_rate);
  iterations_ = iterations;
  entries_ = std::move(entries);
  index_ = std::move(index);
}

}  // namespace gradus::optim
