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

#include "autograd/random.h"
#include "autograd/variable.h"
#include "nn/regularizer.h"

namespace gradus::nn {

class Module;

/// Walks a tree of modules. In visit():  v("hidden", hidden), v("output", output), v("scale", scale);
class Visitor {
 public:
  virtual ~Visitor() = default;

  void operator()(std::string_view name, Module& module);
  void operator()(std::string_view name, const Variable& variable);
  /// A variable that is part of the loss while training.
  void operator()(std::string_view name, const Variable& variable, const Regularizer& regularizer);
  /// Values that are saved with the rest but never trained, such as running means.
  void buffer(std::string_view name, const Variable& variable);
  /// The random numbers a module draws: their position is saved with a checkpoint.
  void operator()(std::string_view name, random::Generator& generator);
  /// Several parts of one kind: "blocks.0", "blocks.1", ...
  template <class T>
  void operator()(std::string_view name, std::vector<T>& parts) {
    const Frame frame(*this, name);
    for (size_t i = 0; i < parts.size(); ++i) (*this)(std::to_string(i), parts[i]);
  }

 protected:
  /// Called for every variable; the same one may come twice.
  virtual void on_variable(const Variable& variable) = 0;
  /// Called beside on_variable() for a variable with a regularizer.
  virtual void on_regularizer(const Variable&, const Regularizer&) {}
  /// Called for a buffer; by default on_variable().
  virtual void on_buffer(const Variable& variable);
  virtual void on_generator(random::Generator&) {}
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

/// A variable and what it adds to the loss.
struct Penalty {
  Variable variable;
  Regularizer regularizer;
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

  /// What regularizers add to the loss while training, each variable once, frozen ones not (Keras' rule).
  std::vector<Penalty> penalties() const;
  /// Their sum, for training loops of one's own: loss = mean(...) + model.penalty(). 0 where there are none.
  Tensor penalty() const;

  /// Freezes (false) or trains (true) all variables of this module and its parts but buffers, also those that layers make later.
  void set_trainable(bool trainable);

 protected:
  /// set_trainable() was called for this module or one that holds it.
  virtual void on_trainable(bool) {}

  Module() = default;
  Module(const Module&) = default;
  Module(Module&&) = default;
  Module& operator=(const Module&) = default;
  Module& operator=(Module&&) = default;
};

}  // namespace gradus::nn
