// What an optimiser keeps: its size, saving it and putting it back.
#include <limits>
#include <utility>

#include "optim/checks.h"
#include "optim/optimizer.h"

namespace gradus::optim {

int64_t Optimizer::num_parameters() const {
  int64_t count = 2;
  for (const Entry& entry : entries_)
    for (const Variable& slot : entry.slots) count += slot.size();
  return count;
}

int64_t Optimizer::num_bytes() const {
  int64_t bytes = static_cast<int64_t>(sizeof iterations_ + sizeof(double));
  for (const Entry& entry : entries_)
    for (const Variable& slot : entry.slots) bytes += slot.size() * size_of(slot.dtype());
  return bytes;
}

std::map<std::string, Tensor> Optimizer::state(const std::vector<Variable>& variables) const {
  if (swapped_)
    fail<ValueError>("state",
                     "the averages stand in for the variables; got a call of state(), expected swap_averages() before it");
  std::map<std::string, Tensor> out;
  out.emplace("iterations", Tensor(iterations_));
  out.emplace("learning_rate", Tensor(learning_rate()));
  if (common_.accumulate_steps > 1) out.emplace("accumulated_steps", Tensor(accumulated_));
  for (size_t i = 0; i < variables.size(); ++i)
    if (const Entry* entry = find(variables[i]))
      for (size_t k = 0; k < slots_.size(); ++k) out.emplace(text(i, ".", slots_[k].name), entry->slots[k].value());
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
  const auto count = [&](const char* name, int64_t end) {
    const int64_t value = scalar(name).item<int64_t>();
    if (value < 0) fail<ValueError>(op, "negative ", name, "; got ", value, ", expected >= 0");
    if (value >= end) fail<ValueError>(op, name, " out of range; got ", value, ", expected [0, ", end, ")");
    return value;
  };
  const bool accumulates = common_.accumulate_steps > 1;
  const int64_t iterations = count("iterations", std::numeric_limits<int64_t>::max());
  const int64_t accumulated = accumulates ? count("accumulated_steps", common_.accumulate_steps) : 0;
  const LearningRate learning_rate = scalar("learning_rate").item<double>();

  // Into a fresh list first, so that an error leaves the optimiser as it was.
  std::vector<Entry> entries;
  std::unordered_map<const void*, size_t> index;
  size_t used = accumulates ? 3 : 2;
  for (size_t i = 0; i < variables.size(); ++i) {
    Entry entry = make_entry(variables[i]);
    for (const Slot& slot : slots_) {
      const std::string name = text(i, ".", slot.name);
      const auto found = state.find(name);
      if (found == state.end()) {
        if (entry.slots.empty() && !state.contains(text(i, ".", slots_.back().name))) break;  // a variable never stepped
        fail<ValueError>(op, "incomplete state; got no \"", name, "\", expected one");
      }
      const Tensor& value = found->second;
      if (value.shape() != variables[i].shape())
        fail<ShapeError>(op, "\"", name, "\" does not fit ", label(variables[i], i), "; got ", value.shape(), ", expected ",
                         variables[i].shape());
      if (value.dtype() != variables[i].dtype())
        fail<DTypeError>(op, "\"", name, "\" does not fit ", label(variables[i], i), "; got ", value.dtype(), ", expected ",
                         variables[i].dtype());
      entry.slots.emplace_back(value, Variable::Options{.name = text(variables[i].name(), ".", slot.name), .trainable = false});
      ++used;
    }
    if (entry.slots.size() != slots_.size()) continue;
    index.emplace(variables[i].id(), entries.size());
    entries.push_back(std::move(entry));
  }
  if (used != state.size())
    fail<ValueError>(op, "entries that belong to no variable; got ", state.size(), " entries, expected ", used, " for ", name(),
                     " with ", variables.size(), " variables");
  if (!learning_rate_.is_schedule()) learning_rate_ = learning_rate;
  iterations_ = iterations;
  accumulated_ = accumulated;
  swapped_ = false;
  entries_ = std::move(entries);
  index_ = std::move(index);
}

}  // namespace gradus::optim
