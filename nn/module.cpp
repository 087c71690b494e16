#include "nn/module.h"

#include <algorithm>

namespace gradus::nn {
namespace {

/// Calls `f(variable)` for each distinct variable.
template <class F>
class Collector : public Visitor {
 public:
  explicit Collector(F f) : f_(f) {}

 private:
  void on_variable(const Variable& variable) override {
    if (std::ranges::find(seen_, variable.id()) != seen_.end()) return;
    seen_.push_back(variable.id());
    f_(variable, [this] { return path(); });
  }

  F f_;
  std::vector<const void*> seen_;
};

/// visit() is not const, because a visitor may build or rename parts; collecting changes nothing.
template <class F>
void for_each_variable(const Module& module, F f) {
  Collector<F> collector(f);
  const_cast<Module&>(module).visit(collector);
}

}  // namespace

void Visitor::operator()(std::string_view name, Module& module) {
  const Frame frame(*this, name);
  on_module(module);
}

void Visitor::operator()(std::string_view name, const Variable& variable) {
  const Frame frame(*this, name);
  on_variable(variable);
}

void Visitor::on_module(Module& module) { module.visit(*this); }

std::string Visitor::path() const {
  std::string out;
  for (const Frame* frame = top_; frame; frame = frame->parent) {
    if (!out.empty()) out.insert(0, 1, '.');
    out.insert(0, frame->name);
  }
  return out;
}

std::vector<Variable> Module::variables() const {
  std::vector<Variable> out;
  for_each_variable(*this, [&](const Variable& variable, auto&&) { out.push_back(variable); });
  return out;
}

std::vector<Variable> Module::trainable_variables() const {
  std::vector<Variable> out;
  for_each_variable(*this, [&](const Variable& variable, auto&&) {
    if (variable.trainable()) out.push_back(variable);
  });
  return out;
}

std::vector<NamedVariable> Module::named_variables() const {
  std::vector<NamedVariable> out;
  for_each_variable(*this, [&](const Variable& variable, auto&& path) { out.push_back({path(), variable}); });
  return out;
}

int64_t Module::num_parameters() const {
  int64_t count = 0;
  for_each_variable(*this, [&](const Variable& variable, auto&&) { count += variable.size(); });
  return count;
}

}  // namespace gradus::nn
