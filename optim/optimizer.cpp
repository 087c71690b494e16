#include "optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "autograd/kernels/update.h"
#include "autograd/ops.h"
#include "optim/checks.h"
#include "optim/clip.h"

namespace gradus::optim {
namespace {

constexpr size_t kFrozen = std::numeric_limits<size_t>::max();

bool contains_any(const std::string& name, const std::vector<std::string>& parts) {
  return std::any_of(parts.begin(), parts.end(), [&](const std::string& part) { return name.find(part) != std::string::npos; });
}

bool claims(const ParameterGroup& group, const Variable& variable) {
  const auto same = [&](const Variable& member) { return member.same_as(variable); };
  return std::any_of(group.variables.begin(), group.variables.end(), same) || contains_any(variable.name(), group.names);
}

}  // namespace

Optimizer::Optimizer(std::string_view op, LearningRate learning_rate, std::vector<Slot> slots, const CommonOptions& common)
    : learning_rate_(std::move(learning_rate)), common_(common), slots_(std::move(slots)), own_slots_(slots_.size()) {
  check(op, common_);
  if (common_.use_ema) slots_.push_back({"average"});
  if (common_.accumulate_steps > 1) slots_.push_back({"accumulated_gradient"});
  const auto has_l2 = [](const ParameterGroup& group) { return group.l2.value_or(0) != 0; };
  shapes_gradients_ = common_.clip_value || common_.clip_norm || common_.global_clip_norm || common_.l2 != 0 ||
                      std::any_of(common_.groups.begin(), common_.groups.end(), has_l2);
}

Optimizer::Optimizer(const Optimizer&) = default;
Optimizer& Optimizer::operator=(const Optimizer&) = default;
Optimizer::~Optimizer() = default;

// Variables are handles; new ones over the same values make the state our own, copied when either side writes.
Optimizer::Entry::Entry(const Entry& other)
    : variable(other.variable),
      rate_multiplier(other.rate_multiplier),
      weight_decay(other.weight_decay),
      l2(other.l2),
      last_pass(other.last_pass) {
  slots.reserve(other.slots.size());
  for (const Variable& slot : other.slots)
    slots.emplace_back(slot.value(), Variable::Options{.name = slot.name(), .trainable = false});
}

void Optimizer::set_learning_rate(double learning_rate) {
  if (learning_rate_.is_schedule())
    fail<ValueError>("set_learning_rate", "a schedule rules the learning rate; got ", learning_rate,
                     ", expected an optimizer made with a number");
  learning_rate_ = learning_rate;
}

Optimizer::Entry Optimizer::make_entry(const Variable& variable) const {
  Entry entry(variable);
  entry.weight_decay = common_.weight_decay;
  entry.l2 = common_.l2;
  const auto group = std::find_if(common_.groups.begin(), common_.groups.end(),
                                  [&](const ParameterGroup& candidate) { return claims(candidate, variable); });
  if (group != common_.groups.end()) {
    entry.rate_multiplier = group->learning_rate_multiplier;
    entry.weight_decay = group->weight_decay.value_or(entry.weight_decay);
    entry.l2 = group->l2.value_or(entry.l2);
  }
  if (contains_any(variable.name(), common_.no_decay)) entry.weight_decay = entry.l2 = 0;
  return entry;
}

const Optimizer::Entry* Optimizer::find(const Variable& variable) const {
  const auto found = index_.find(variable.id());
  return found == index_.end() ? nullptr : &entries_[found->second];
}

size_t Optimizer::find_or_add(const Variable& variable, size_t guess) {
  // Nearly always the same list in the same order as last time.
  if (guess < entries_.size() && entries_[guess].variable.same_as(variable)) return guess;
  if (const auto found = index_.find(variable.id()); found != index_.end()) return found->second;
  Entry entry = make_entry(variable);
  entry.slots.reserve(slots_.size());
  for (const Slot& slot : slots_)
    entry.slots.emplace_back(full(variable.shape(), slot.initial, variable.dtype()),
                             Variable::Options{.name = text(variable.name(), ".", slot.name), .trainable = false});
  if (common_.use_ema) average_of(entry).assign(variable.value());
  entries_.push_back(std::move(entry));
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
  if (swapped_) fail<ValueError>(op, "the averages stand in for the variables; got a step, expected swap_averages() before it");
  const NoRecord pause;
  const double rate = learning_rate();
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
    check_step({iterations_ + 1, rate * entries_[at].rate_multiplier});
  }

  std::vector<Tensor> changed;
  if (common_.accumulate_steps > 1) {
    changed = gradients;
    if (!accumulate(changed)) return;
  }
  if (shapes_gradients_) changed = shaped(changed.empty() ? gradients : changed);
  const std::vector<Tensor>& used = changed.empty() ? gradients : changed;

  ++iterations_;
  for (size_t i = 0; i < variables.size(); ++i) {
    if (order_[i] == kFrozen) continue;
    const Entry& entry = entries_[order_[i]];
    const Step step{iterations_, rate * entry.rate_multiplier};
    if (entry.weight_decay != 0) {
      const detail::TensorImpl* const decay[] = {&entry.variable.writable(), &entry.variable.writable()};
      kernels::update(kernels::Rule::sgd, {step.rate * entry.weight_decay}, decay);
    }
    const std::span own = std::span(entry.slots).first(own_slots_);
    if (used[i].is_contiguous()) update(step, entry.variable, own, used[i]);
    else update(step, entry.variable, own, used[i].contiguous());
    if (common_.use_ema) average(entry);
  }
}

/// Adds the gradients to what is accumulated; true when that makes a step, with their means in place of the gradients.
bool Optimizer::accumulate(std::vector<Tensor>& gradients) {
  const bool complete = ++accumulated_ == common_.accumulate_steps;
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (order_[i] == kFrozen) continue;
    const Variable& sum = accumulated_of(entries_[order_[i]]);
    if (complete) gradients[i] = (sum.value() + gradients[i]) / static_cast<double>(common_.accumulate_steps);
    else sum.assign_add(gradients[i]);
  }
  if (!complete) return false;
  accumulated_ = 0;
  for (const Entry& entry : entries_) accumulated_of(entry).assign(zeros(entry.variable.shape(), entry.variable.dtype()));
  return true;
}

/// Clipped, and with l2 * p added.
std::vector<Tensor> Optimizer::shaped(const std::vector<Tensor>& gradients) {
  std::vector<Tensor> out = gradients;
  for (size_t i = 0; i < out.size(); ++i) {
    if (order_[i] == kFrozen) out[i] = Tensor();  // no part of the norm
    else if (common_.clip_value) out[i] = clip(out[i], -*common_.clip_value, *common_.clip_value);
    else if (common_.clip_norm) out[i] = clip_by_norm(out[i], *common_.clip_norm);
  }
  if (common_.global_clip_norm) out = clip_by_global_norm(std::move(out), *common_.global_clip_norm);
  for (size_t i = 0; i < out.size(); ++i) {
    if (order_[i] == kFrozen) continue;
    const Entry& entry = entries_[order_[i]];
    if (entry.l2 != 0) out[i] = out[i] + entry.l2 * entry.variable.value();
  }
  return out;
}

void Optimizer::average(const Entry& entry) const {
  const double momentum = iterations_ == 1 ? 0 : common_.ema_momentum;
  const Variable& mean = average_of(entry);
  if (momentum == 0) mean.assign(entry.variable.value());
  else mean.assign(momentum * mean.value() + (1 - momentum) * entry.variable.value());
  if (common_.ema_overwrite_frequency > 0 && iterations_ % common_.ema_overwrite_frequency == 0)
    entry.variable.assign(mean.value());
}

void Optimizer::swap_averages(const std::vector<Variable>& variables) {
  if (!common_.use_ema)
    fail<ValueError>("swap_averages", "no averages are kept; got an optimizer without use_ema, expected use_ema = true");
  const NoRecord pause;
  for (const Variable& variable : variables)
    if (const Entry* entry = find(variable)) {
      const Tensor value = variable.value();
      variable.assign(average_of(*entry).value());
      average_of(*entry).assign(value);
    }
  swapped_ = !swapped_;
}

void Optimizer::finalize(const std::vector<Variable>& variables) {
  if (!common_.use_ema) return;
  if (swapped_) swap_averages(variables);
  const NoRecord pause;
  for (const Variable& variable : variables)
    if (const Entry* entry = find(variable)) variable.assign(average_of(*entry).value());
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

}  // namespace gradus::optim
