#include "autograd/tape/anomaly.h"

#include <cmath>
#include <optional>
#include <utility>

#include "autograd/anomaly.h"
#include "autograd/kernels/finite.h"

namespace gradus {

AnomalyMode::AnomalyMode() { detail::this_list().check(true); }
AnomalyMode::~AnomalyMode() { detail::this_list().check(false); }

namespace detail {
namespace {

using kernels::Worst, kernels::worst;

std::string_view word(Worst w) { return w == Worst::nan ? "nan" : w == Worst::infinite ? "inf" : "finite"; }

// The record whose gradient this thread is computing; its rule may record operations, and differentiate others.
class Differentiating {
 public:
  explicit Differentiating(uint32_t id) : outer_(std::exchange(id_, id)) {}
  ~Differentiating() { id_ = outer_; }
  Differentiating(const Differentiating&) = delete;
  Differentiating& operator=(const Differentiating&) = delete;
  static uint32_t id() { return id_; }

 private:
  static inline constinit thread_local uint32_t id_ = kNoNode;
  uint32_t outer_;
};

// Index of the first element that is as bad as `w`.
Shape first(const Tensor& x, Worst w) {
  const std::vector<double> values = x.to_vector<double>();
  size_t i = 0;
  while (i + 1 < values.size() && !(w == Worst::nan ? std::isnan(values[i]) : std::isinf(values[i]))) ++i;
  Shape index = x.shape();
  auto rest = static_cast<int64_t>(i);
  for (int axis = x.ndim(); axis-- > 0;) {
    index[axis] = rest % x.shape(axis);
    rest /= x.shape(axis);
  }
  return index;
}

// Element `index` of `x` broadcast to the shape the index belongs to; nothing if it does not broadcast to it.
std::optional<double> value_at(const Tensor& x, const Shape& shape, const Shape& index) {
  const TensorImpl& impl = x.impl();
  const int missing = shape.ndim() - impl.ndim();
  if (missing < 0) return {};
  int64_t offset = 0;
  for (int axis = 0; axis < impl.ndim(); ++axis) {
    if (impl.shape[axis] == 1) continue;
    if (impl.shape[axis] != shape[axis + missing]) return {};
    offset += index[axis + missing] * impl.stride(axis);
  }
  return Tensor(TensorImpl::view(impl, Shape{}, {}, offset)).item<double>();
}

// "nan at element [1, 0]"
std::string at(const Tensor& x, const Shape& index) {
  const double element = *value_at(x, x.shape(), index);
  const std::string value = std::isnan(element) ? "nan" : gradus::text(element);  // its sign says nothing
  return x.ndim() == 0 ? value : gradus::text(value, " at element ", index);
}

std::string described(const Tensor& x) {
  const Leaf* leaf = x.impl().leaf.load(std::memory_order_acquire);
  return gradus::text(leaf && !leaf->name.empty() ? "'" + leaf->name + "' " : "", x.shape(), " ", x.dtype());
}

// "inputs [2] float32, [] float32"
template <class Range, class F>
std::string inputs_text(const Range& inputs, const F& describe) {
  std::string out = inputs.size() == 1 ? "input" : "inputs", separator = " ";
  for (const auto& input : inputs) out += std::exchange(separator, ", ") + describe(input);
  return out;
}

// "; at train.cpp:42 (in main)", or nothing.
std::string place(std::string_view before, const CallStack* stack, std::string_view op) {
  const std::string where = stack ? text(locate(*stack, op)) : "";
  return where.empty() ? "" : gradus::text("; ", before, where);
}

// The same of a record.
std::string forward_place(const List& list, uint32_t id) {
  return place("the forward pass was ", list.stack_of(id), list[id].op->name);
}

}  // namespace

void check_result(List& list, const Op& op, const Tensor& out, std::span<const Tensor* const> inputs) {
  const Worst result = worst(out.impl());
  if (result == Worst::finite) return;
  Worst given = Worst::finite;
  size_t culprit = 0;
  for (size_t k = 0; k < inputs.size(); ++k)
    if (const Worst w = worst(inputs[k]->impl()); w > given) given = w, culprit = k;
  if (result == Worst::infinite && given != Worst::finite) return;  // meant: the first infinity was let in from outside

  const std::string shapes = inputs_text(inputs, [](const Tensor* x) { return described(*x); });
  const uint32_t differentiated = Differentiating::id();
  const std::string pass =
      differentiated == kNoNode ? "the forward pass" : gradus::text("the gradient of ", list[differentiated].op->name);
  const std::string where =
      place("", list.stack_here(), op.name) + (differentiated == kNoNode ? "" : forward_place(list, differentiated));
  const Shape index = first(out, result);
  if (given == Worst::nan)
    fail<TapeError>(op.name, "input ", culprit, " already contains nan in ", pass, "; got ",
                    at(*inputs[culprit], first(*inputs[culprit], Worst::nan)), " of the input, expected finite data; ", shapes,
                    where);
  // What stands there in the inputs explains a pointwise result; in a product of square matrices it would mislead.
  std::string from;
  if (inputs.size() == 1 || (op.broadcasts && op.name != "matmul")) {
    for (const Tensor* x : inputs) {
      const std::optional<double> value = value_at(*x, out.shape(), index);
      if (!value) {
        from.clear();
        break;
      }
      from += gradus::text(from.empty() ? "" : ", ", *value);
    }
  }
  fail<TapeError>(op.name, "first ", word(result), " in ", pass, "; got ", from.empty() ? "" : from + " -> ", at(out, index),
                  ", expected finite values; ", shapes,
                  given == Worst::finite ? "" : gradus::text("; input ", culprit, " contains inf"), where);
}

Tensor checked_gradient(List& list, uint32_t id, const Saved& saved, const Tensor& g) {
  const Node& node = list[id];
  Tensor part;
  {
    const Differentiating scope(id);
    part = node.op->rule(static_cast<uint32_t>(saved.index())).gradient(saved, g);
  }
  if (!part.defined()) return part;
  const Worst w = worst(part.impl());
  if (w == Worst::finite) return part;
  const Shape index = first(part, w);
  const std::optional<double> from = part.shape() == g.shape() ? value_at(g, g.shape(), index) : std::nullopt;
  const std::string shapes = inputs_text(node.ids(), [&](uint32_t input) {
    return input == kNoNode ? std::string("constant") : gradus::text(list[input].shape(), " ", list[input].dtype);
  });
  bool infinite = false;
  for (uint8_t i = 0; i < node.saved; ++i) infinite |= worst(node.saved_tensors()[i].impl()) != Worst::finite;
  fail<TapeError>(node.op->name, "gradient of input ", saved.index(), " is ", word(w), "; got ", at(part, index), " from ",
                  from ? gradus::text("g = ", *from) : "a finite g", ", expected finite values; ", shapes,
                  infinite ? "; the forward pass had infinite values" : "", forward_place(list, id));
}

void check_sum(const List& list, uint32_t id, const Tensor& adjoint) {
  const Worst w = worst(adjoint.impl());
  if (w == Worst::finite) return;
  const Node& node = list[id];
  const std::string whose = node.op ? "the result of " + std::string(node.op->name) : described(node.saved_tensors()[0]);
  fail<TapeError>("gradient", "finite gradients that reach ", whose, " sum up to ", word(w), "; got ",
                  at(adjoint, first(adjoint, w)), ", expected finite values", node.op ? forward_place(list, id) : "");
}

void check_seed(size_t target, const Tensor& seed) {
  const Worst w = worst(seed.impl());
  if (w == Worst::finite) return;
  fail<TapeError>("gradient", "output gradient ", target, " already contains ", word(w), "; got ", at(seed, first(seed, w)),
                  ", expected finite values");
}

}  // namespace detail
}  // namespace gradus
