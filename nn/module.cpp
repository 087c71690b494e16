#include "nn/module.h"

#include <algorithm>

#include "autograd/ops.h"

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

void Visitor::operator()(std::string_view name, const Variable& variable, const Regularizer& regularizer) {
  const Frame frame(*this, name);
  on_variable(variable);
  if (regularizer) on_regularizer(variable, regularizer);
}

void Visitor::buffer(std::string_view name, const Variable& variable) {
  const Frame frame(*this, name);
  on_buffer(variable);
}

void Visitor::operator()(std::string_view name, random::Generator& generator) {
  const Frame frame(*this, name);
  on_generator(generator);
}

void Visitor::on_module(Module& module) { module.visit(*this); }

void Visitor::on_buffer(const Variable& variable) { on_variable(variable); }

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

std::vector<Penalty> Module::penalties() const {
  class Finder : public Visitor {
   public:
    std::vector<Penalty> found;

   private:
    void on_variable(const Variable&) override {}
    void on_regularizer(const Variable& variable, const Regularizer& regularizer) override {
      const auto same = [&](const Penalty& other) { return other.variable.same_as(variable); };
      if (variable.trainable() && std::ranges::none_of(found, same)) found.push_back({variable, regularizer});
    }
  };
  Finder finder;
  const_cast<Module&>(*this).visit(finder);
  return finder.found;
}

Tensor Module::penalty() const {
  Tensor total;
  for (const Penalty& part : penalties()) {
    const Tensor value = part.regularizer(part.variable);
    total = total.defined() ? total + value : value;
  }
  return total.defined() ? total : zeros({});
}

void Module::set_trainable(bool trainable) {
  class Setter : public Visitor {
   public:
    explicit Setter(bool trainable) : trainable_(trainable) {}
    void on_module(Module& module) override {
      module.on_trainable(trainable_);
      module.visit(*this);
    }

   private:
    void on_variable(const Variable& variable) override { variable.set_trainable(trainable_); }
    void on_buffer(const Variable&) override {}

    bool trainable_;
  };
  Setter(trainable).on_module(*this);
}

int64_t Module::num_parameters() const {
  int64_t count = 0;
  for_each_variable(*this, [&](const Variable& variable, auto&&) { count += variable.size(); });
  return count;
}

}  // namespace gradus::nn
