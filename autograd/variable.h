// Variable: the one mutable thing. A handle (copies refer to the same variable) whose value can be replaced.
//
// Assignments write in place exactly when nobody else can see the old buffer; a tape or a Tensor that still holds yesterday's
// value keeps yesterday's value. Reading is safe from several threads; assigning while another thread reads is a data race.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "autograd/tensor.h"

namespace gradus {

struct VariableOptions {
  std::string name = {};
  bool trainable = true;  // watched automatically when read under a tape
};

namespace detail {
struct VariableState;
void retain(VariableState* state);
void release(VariableState* state);
}  // namespace detail

class Variable {
 public:
  using Options = VariableOptions;

  /// Starts at `value`; history of `value` on a tape is cut. DTypeError for a trainable variable of integer dtype.
  explicit Variable(const Tensor& value, Options options = {});
  template <Element T>
  explicit Variable(T value, Options options = {}) : Variable(Tensor(value), std::move(options)) {}
  Variable(const Variable& other);
  Variable(Variable&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Variable& operator=(const Variable& other);  // makes this handle refer to `other`'s variable; see assign for its value
  Variable& operator=(Variable&& other) noexcept;
  ~Variable();

  /// The current value; valid until the next assignment. Under a tape it is watched.
  const Tensor& value() const;
  operator const Tensor&() const { return value(); }

  const Shape& shape() const { return value().shape(); }
  int ndim() const { return value().ndim(); }
  int64_t size() const { return value().size(); }
  DType dtype() const { return value().dtype(); }
  template <Number T>
  T item() const {
    return value().item<T>();
  }

  /// Replaces the value. ShapeError or DTypeError unless shape and dtype stay the same.
  void assign(const Tensor& value) const;
  /// value += delta, value -= delta; delta broadcasts.
  void assign_add(const Tensor& delta) const;
  void assign_sub(const Tensor& delta) const;

  /// What backward() has accumulated; undefined before the first and after zero_grad().
  Tensor grad() const;
  void set_grad(const Tensor& grad) const;
  void zero_grad() const;

  const std::string& name() const;
  void set_name(std::string_view name) const;
  bool trainable() const;
  void set_trainable(bool trainable) const;
  /// True when both handles refer to the same variable.
  bool same_as(const Variable& other) const { return state_ == other.state_; }
  /// Identifies the variable while any handle lives: a key for optimiser state.
  const void* id() const { return state_; }

  /// For in-place updates by optimisers: the value's memory, copied first if anybody else can see it. Contiguous.
  detail::TensorImpl& writable() const;

 private:
  detail::VariableState* state_;
};

std::ostream& operator<<(std::ostream& out, const Variable& variable);

}  // namespace gradus
