// Module: anything that owns variables, and Visitor: how its parts are named and found.
//
// A module lists its parts in visit(); variables, parameter names ("hidden.kernel"), counting, saving and loading all follow from
// that one list. Modules are handles like the variables they hold: copies share their parameters. One thread at a time, except
// that several threads may call layers whose variables exist already.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/variable.h"

namespace gradus::nn {

class Module;

/// Walks a tree of modules. In visit():  v("hidden", hidden), v("output", output), v("scale", scale);
class Visitor {
 public:
  virtual ~Visitor() = default;

  void operator()(std::string_view name, Module& module);
  void operator()(std::string_view name, const Variable& variable);
  /// Several parts of one kind: "blocks.0", "blocks.1", ...
  template <class T>
  void operator()(std::string_view name, std::vector<T>& parts) {
    const Frame frame(*this, name);
    for (size_t i = 0; i < parts.size(); ++i) (*this)(std::to_string(i), parts[i]);
  }

 protected:
  /// Called for every variable; the same one may come twice.
  virtual void on_variable(const Variable& variable) = 0;
  /// Called for every sub-module; the default visits its parts.
  virtual void on_module(Module& module);
  /// Dotted name of the part being visited.
  std::string path() const;

 private:
  // The names on the way down live on the stack: no text is built unless path() is asked.
  struct Frame {
    Frame(Visitor& v, std::string_view part) : visitor(v), parent(v.top_), name(part) { v.top_ = this; }
    ~Frame() { visitor.top_ = parent; }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

    Visitor& visitor;
    const Frame* parent;
    std::string_view name;
  };
  const Frame* top_ = nullptr;
};

struct NamedVariable {
  std::string name;
  Variable variable;
};

class Module {
 public:
  virtual ~Module() = default;

  /// Shows every sub-module and variable to `v`, each under a name without dots.
  virtual void visit(Visitor& v) = 0;

  /// All variables, in the order of visit(), each once. A lazily built layer has none before its first call.
  std::vector<Variable> variables() const;
  std::vector<Variable> trainable_variables() const;
  /// The same with dotted names.
  std::vector<NamedVariable> named_variables() const;
  /// Number of values in all variables.
  int64_t num_parameters() const;

 protected:
  Module() = default;
  Module(const Module&) = default;
  Module(Module&&) = default;
  Module& operator=(const Module&) = default;
  Module& operator=(Module&&) = default;
};

}  // namespace gradus::nn
