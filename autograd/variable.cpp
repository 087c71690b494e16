#include "autograd/variable.h"

#include <ostream>

#include "autograd/kernels/copy.h"
#include "autograd/kernels/pointwise.h"
#include "autograd/ops.h"
#include "autograd/storage/leaf.h"
#include "autograd/tape.h"

namespace gradus {
namespace detail {

struct VariableState {
  std::atomic<uint32_t> refs{1};
  Tensor value;  // its header carries `leaf`
  Ref<Leaf> leaf;

  static void destroy(VariableState* state) { delete state; }
};

void retain(VariableState* state) { state->refs.fetch_add(1, std::memory_order_relaxed); }
void release(VariableState* state) { Ref<VariableState>::release(state); }

namespace {

// A header of the variable's own on the values of `x`: no history, contiguous, marked with the leaf.
Tensor own(const Tensor& x, Leaf* leaf) {
  Tensor dense = x.contiguous();
  const TensorImpl& impl = dense.impl();
  if (!dense.ref().unique() || impl.epoch != 0 || impl.leaf.load(std::memory_order_relaxed))
    dense = Tensor(TensorImpl::view(impl, impl.shape, contiguous_strides(impl.shape), 0));
  leaf->refs.fetch_add(1, std::memory_order_relaxed);  // the header owns a reference
  dense.ref()->leaf.store(leaf, std::memory_order_release);
  return dense;
}

}  // namespace
}  // namespace detail

using detail::VariableState;

namespace {

// variable = fn(variable, delta), in place where nobody else looks.
void update(std::string_view op, kernels::Fn fn, const Variable& variable, const Tensor& delta) {
  const NoRecord constant;
  const Tensor same = delta.astype(variable.dtype());  // holds on to delta: it may be the variable's own value
  if (broadcast_shapes(op, variable.shape(), same.shape()) != variable.shape())
    fail<ShapeError>(op, "the delta does not broadcast to the variable; got ", same.shape(), ", expected ", variable.shape());
  detail::TensorImpl& p = variable.writable();
  const detail::TensorImpl* in[] = {&p, &same.impl()};
  kernels::pointwise(fn, p, in);
}

}  // namespace

Variable::Variable(const Tensor& value, Options options) : state_(nullptr) {
  if (options.trainable && !is_floating(value.dtype()))
    fail<DTypeError>("Variable", "a trainable variable needs a floating dtype; got ", value.dtype(),
                     "; or set trainable = false");
  auto leaf = Ref<detail::Leaf>::adopt(new detail::Leaf);
  leaf->variable = true;
  leaf->trainable = options.trainable;
  leaf->name = std::move(options.name);
  const NoRecord constant;
  Tensor own = detail::own(value, leaf.get());
  state_ = new VariableState{.value = std::move(own), .leaf = std::move(leaf)};
}

Variable::Variable(const Variable& other) : state_(other.state_) {
  if (state_) retain(state_);
}
Variable& Variable::operator=(const Variable& other) {
  Variable copy(other);
  std::swap(state_, copy.state_);
  return *this;
}
Variable& Variable::operator=(Variable&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}
Variable::~Variable() {
  if (state_) release(state_);
}

const Tensor& Variable::value() const {
  if (!state_) fail<ValueError>("Variable", "moved-from handle; got no variable, expected one");
  return state_->value;
}

void Variable::assign(const Tensor& value) const {
  const Tensor& old = this->value();
  if (value.shape() != old.shape())
    fail<ShapeError>("assign", "the shape of a variable is fixed; got ", value.shape(), ", expected ", old.shape());
  if (value.dtype() != old.dtype())
    fail<DTypeError>("assign", "the dtype of a variable is fixed; got ", value.dtype(), ", expected ", old.dtype());
  if (value.ref().get() == old.ref().get()) return;
  const NoRecord constant;
  state_->value = detail::own(value, state_->leaf.get());
}

void Variable::assign_add(const Tensor& delta) const { update("assign_add", kernels::Fn::add, *this, delta); }
void Variable::assign_sub(const Tensor& delta) const { update("assign_sub", kernels::Fn::subtract, *this, delta); }

detail::TensorImpl& Variable::writable() const {
  const Tensor& old = value();
  if (!old.ref().unique() || !old.ref()->buffer.unique()) {
    Tensor copy = detail::empty("Variable", old.shape(), old.dtype());
    kernels::copy(*copy.ref(), old.impl());
    state_->value = detail::own(copy, state_->leaf.get());
  }
  return *state_->value.ref();
}

Tensor Variable::grad() const { return value(), Tensor(state_->leaf->grad); }
void Variable::set_grad(const Tensor& grad) const {
  if (grad.shape() != shape())
    fail<ShapeError>("set_grad", "a gradient is shaped like its variable; got ", grad.shape(), ", expected ", shape());
  state_->leaf->grad = grad.ref();
}
void Variable::zero_grad() const { value(), state_->leaf->grad = {}; }

const std::string& Variable::name() const { return value(), state_->leaf->name; }
void Variable::set_name(std::string_view name) const { value(), state_->leaf->name = name; }
bool Variable::trainable() const { return value(), state_->leaf->trainable; }
void Variable::set_trainable(bool trainable) const { value(), state_->leaf->trainable = trainable; }

std::ostream& operator<<(std::ostream& out, const Variable& variable) { return out << variable.value(); }

}  // namespace gradus
