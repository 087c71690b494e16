// From an expression to a program: which calls there are, and where their values lie.
#include <algorithm>

#include "autograd/base/error.h"
#include "autograd/fused/program.h"

namespace gradus::detail {
namespace {

using Kind = Expression::Kind;
using kernels::Kernel, kernels::Simple;

constexpr uint32_t kNone = UINT32_MAX;

std::optional<Simple> simple_of(Fn fn) {
  if (fn == Fn::add) return Simple::add;
  if (fn == Fn::subtract) return Simple::subtract;
  if (fn == Fn::multiply) return Simple::multiply;
  return {};
}

std::array<Kernel, 2> kernels_of(Fn fn) {
  const auto& all = kernels::pointwise_table().functions[static_cast<size_t>(fn)].kernels;
  const auto of = [&](DType dtype) { return all[static_cast<size_t>(dtype)]; };
  if (fn == Fn::logical_and || fn == Fn::logical_or || fn == Fn::logical_not) return {of(DType::boolean), of(DType::boolean)};
  return {of(DType::float32), of(DType::float64)};
}

uint16_t checked_place(size_t n) {
  if (n > UINT16_MAX) fail<ValueError>("fused", "the function is too long; got ", n, " values, expected at most ", UINT16_MAX);
  return static_cast<uint16_t>(n);
}

// A call as it is run: one of the expression, or two simple ones as a pair.
struct Step {
  std::array<Kernel, 2> kernels;
  std::vector<uint32_t> args;
};

}  // namespace

class Program::Planner {
 public:
  Planner(const Expression& expression, Program& program, std::span<const uint32_t> outputs)
      : e_(expression),
        program_(program),
        needed_(e_.needed(outputs)),
        inner_(e_.size(), kNone),
        place_(e_.size(), kNone),
        last_use_(e_.size(), 0) {
    choose_pairs(outputs);
    place_inputs_and_constants();
    place_outputs(outputs);
    place_calls();
    copy_outputs();
  }

 private:
  // From the last call to the first: a simple operation takes in a simple argument that only it needs, a product rather than a
  // sum.
  void choose_pairs(std::span<const uint32_t> outputs) {
    std::vector<uint32_t> uses(e_.size());
    for (uint32_t id = 0; id < e_.size(); ++id)
      if (needed_[id])
        for (const uint32_t a : e_[id].arguments()) ++uses[a];
    for (const uint32_t id : outputs) uses[id] += 2;  // stays a value of its own
    for (uint32_t id = e_.size(); id-- > 0;) {
      if (!needed_[id] || !simple_of(e_[id].fn)) continue;
      for (const uint32_t a : e_[id].arguments())
        if (uses[a] == 1 && simple_of(e_[a].fn) && (inner_[id] == kNone || e_[a].fn == Fn::multiply)) inner_[id] = a;
      if (inner_[id] != kNone) needed_[inner_[id]] = false;  // also keeps it from taking in others
    }
  }

  Step step(uint32_t id) const {
    const auto own = e_[id].arguments();
    if (inner_[id] == kNone) return {kernels_of(e_[id].fn), {own.begin(), own.end()}};
    const auto& inner = e_[inner_[id]];
    Simple first = *simple_of(inner.fn), second = *simple_of(e_[id].fn);
    const bool inner_first = own[0] == inner_[id], swap = e_[inner.args[0]].kind == Kind::constant;  // kept in a register there
    if (second == Simple::subtract && !inner_first) second = Simple::reversed_subtract;
    if (first == Simple::subtract && swap) first = Simple::reversed_subtract;
    return {{kernels::pair_kernel(first, second, DType::float32), kernels::pair_kernel(first, second, DType::float64)},
            {inner.args[swap], inner.args[!swap], own[inner_first]}};
  }

  void place_inputs_and_constants() {
    for (uint32_t id = 0; id < e_.size(); ++id) {
      if (!needed_[id]) continue;
      if (e_[id].kind == Kind::input) place_[id] = static_cast<uint32_t>(e_[id].bits);
      if (e_[id].kind == Kind::constant) place_[id] = constant(e_[id].value());
    }
  }
  uint16_t constant(double value) {
    program_.constants_.push_back(value);
    program_.narrow_constants_.push_back(static_cast<float>(value));
    return checked_place(program_.first_register() - 1);
  }

  // A call writes its result; what is no call, or wanted twice, is copied there in the end: multiplied by one.
  void place_outputs(std::span<const uint32_t> outputs) {
    for (size_t k = 0; k < outputs.size(); ++k) {
      const uint16_t result = checked_place(program_.inputs_ + k);
      if (place_[outputs[k]] == kNone) place_[outputs[k]] = result;
      else copies_.push_back({.kernels = kernels_of(Fn::multiply), .out = result, .args = {checked_place(place_[outputs[k]])}});
    }
    if (copies_.empty()) return;
    const uint16_t one = constant(1);
    for (Call& copy : copies_) copy.args[1] = one;
  }
  void copy_outputs() { program_.calls_.insert(program_.calls_.end(), copies_.begin(), copies_.end()); }

  // In order; a register is free again after its last use.
  void place_calls() {
    const auto is_call = [&](uint32_t id) { return needed_[id] && e_[id].kind == Kind::call; };
    for (uint32_t id = 0; id < e_.size(); ++id)
      if (is_call(id))
        for (const uint32_t a : step(id).args) last_use_[a] = id;
    std::vector<uint32_t> free;
    for (uint32_t id = 0; id < e_.size(); ++id) {
      if (!is_call(id)) continue;
      if (place_[id] == kNone) {
        if (free.empty()) free.push_back(checked_place(program_.first_register() + program_.registers_++));
        place_[id] = free.back();
        free.pop_back();
      }
      const Step s = step(id);
      Call& call = program_.calls_.emplace_back(Call{.kernels = s.kernels, .out = checked_place(place_[id]), .args = {}});
      for (size_t k = 0; k < s.args.size(); ++k) {
        const uint32_t a = s.args[k];
        call.args[k] = checked_place(place_[a]);
        if (place_[a] < program_.first_register() || last_use_[a] != id) continue;
        free.push_back(place_[a]);
        last_use_[a] = kNone;  // once
      }
    }
  }

  const Expression& e_;
  Program& program_;
  std::vector<bool> needed_;
  // Of each node: the argument it took in, its place, the call that reads it last.
  std::vector<uint32_t> inner_, place_, last_use_;
  std::vector<Call> copies_;
};

Program::Program(const Expression& expression, std::span<const uint32_t> outputs, size_t inputs)
    : inputs_(inputs), results_(outputs.size()) {
  Planner(expression, *this, outputs);
}

}  // namespace gradus::detail
