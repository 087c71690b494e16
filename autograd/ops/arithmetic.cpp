// Arithmetic, comparison, selection.
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

constexpr Op kAdd{.name = "add",
                  .arity = 2,
                  .rules = {{{0, [](const Saved&, const Tensor& g) { return g; }},  //
                             {0, [](const Saved&, const Tensor& g) { return g; }}}},
                  .broadcasts = true};

constexpr Op kSubtract{.name = "subtract",
                       .arity = 2,
                       .rules = {{{0, [](const Saved&, const Tensor& g) { return g; }},  //
                                  {0, [](const Saved&, const Tensor& g) { return -g; }}}},
                       .broadcasts = true};

// adjoint += g factor in one pass, where nothing was broadcast.
template <int kFactor>
bool add_product(const Saved& s, const Tensor& g, TensorImpl& adjoint) {
  if (adjoint.shape != g.shape()) return false;
  const TensorImpl* in[] = {&g.impl(), &s.in(kFactor).impl(), &adjoint};
  kernels::pointwise(Fn::multiply_add, adjoint, in);
  return true;
}
constexpr Op kMultiply{.name = "multiply",
                       .arity = 2,
                       .rules = {{{kIn1, [](const Saved& s, const Tensor& g) { return g * s.in(1); }, add_product<1>},
                                  {kIn0, [](const Saved& s, const Tensor& g) { return g * s.in(0); }, add_product<0>}}},
                       .broadcasts = true};

constexpr Op kDivide{.name = "divide",
                     .arity = 2,
                     .rules = {{{kIn1, [](const Saved& s, const Tensor& g) { return g / s.in(1); }},
                                {kIn1 | kOut, [](const Saved& s, const Tensor& g) { return -(g * s.out() / s.in(1)); }}}},
                     .broadcasts = true};

// d/da = b a^(b-1); a^0 is constant, at a = 0 and NaN too. d/db = a^b log a, which is 0 where a^b is 0 (also for infinite
// logarithms) and, by choice, at 0^0 (TensorFlow's and PyTorch's); 0^b has derivative -inf for b < 0.
constexpr Op kPow{.name = "pow",
                  .arity = 2,
                  .rules = {{{kIn0 | kIn1,
                              [](const Saved& s, const Tensor& g) {
                                const Tensor &a = s.in(0), &b = s.in(1);
                                const Tensor constant = logical_and(b == 0, logical_or(a == 0, isnan(a)));
                                return g * b * pow(where(constant, 1, a), b - 1);
                              }},
                             {kIn0 | kIn1 | kOut,
                              [](const Saved& s, const Tensor& g) {
                                const Tensor &a = s.in(0), &b = s.in(1), &y = s.out();
                                const Tensor flat = logical_and(a >= 0, logical_or(y == 0, logical_and(a == 0, b == 0)));
                                return g * y * log(where(flat, 1, a));
                              }}}},
                  .broadcasts = true};

// The share of the gradient that the first of two tied operands gets is a half: (a > b) + (a == b) / 2.
Tensor share_of_larger(const Tensor& a, const Tensor& b) {
  return ((a > b).astype(a.dtype()) + (a >= b).astype(a.dtype())) * 0.5;
}

constexpr Op kMaximum{
    .name = "maximum",
    .arity = 2,
    .rules = {{{kIn0 | kIn1, [](const Saved& s, const Tensor& g) { return g * share_of_larger(s.in(0), s.in(1)); }},
               {kIn0 | kIn1, [](const Saved& s, const Tensor& g) { return g * share_of_larger(s.in(1), s.in(0)); }}}},
    .broadcasts = true};

constexpr Op kMinimum{
    .name = "minimum",
    .arity = 2,
    .rules = {{{kIn0 | kIn1, [](const Saved& s, const Tensor& g) { return g * share_of_larger(s.in(1), s.in(0)); }},
               {kIn0 | kIn1, [](const Saved& s, const Tensor& g) { return g * share_of_larger(s.in(0), s.in(1)); }}}},
    .broadcasts = true};

constexpr Op kNegative{.name = "negative", .rules = {{{0, [](const Saved&, const Tensor& g) { return -g; }}}}};

constexpr Op kWhere{.name = "where",
                    .arity = 3,
                    .rules = {{{},
                               {kIn0, [](const Saved& s, const Tensor& g) { return where(s.in(0), g, 0); }},
                               {kIn0, [](const Saved& s, const Tensor& g) { return where(s.in(0), 0, g); }}}},
                    .broadcasts = true};

// 1 on and between the bounds (PyTorch).
constexpr Op kClip{.name = "clip", .arity = 3, .rules = {{{kIn0 | kIn1 | kIn2, [](const Saved& s, const Tensor& g) {
                                                             const Tensor& x = s.in(0);
                                                             return where(logical_and(x >= s.in(1), x <= s.in(2)), g, 0);
                                                           }}}}};

// No gradient: recorded so that a missing gradient can name them.
constexpr Op kEqual{.name = "equal", .arity = 2}, kNotEqual{.name = "not_equal", .arity = 2}, kLess{.name = "less", .arity = 2},
    kLessEqual{.name = "less_equal", .arity = 2};
constexpr Op kAnd{.name = "logical_and", .arity = 2}, kOr{.name = "logical_or", .arity = 2}, kNot{.name = "logical_not"};

Tensor arithmetic(const Op& op, Fn fn, const Operand& a, const Operand& b) {
  if (a.tensor() && b.tensor() && a.tensor()->dtype() == b.tensor()->dtype()) [[likely]]
    return pointwise(op, fn, {a.tensor(), b.tensor()}, a.tensor()->dtype());
  const DType dtype = common_dtype(op.name, {&a, &b});
  return binary(op, fn, a, b, dtype, dtype);
}
Tensor compare(const Op& op, Fn fn, const Operand& a, const Operand& b) {
  return binary(op, fn, a, b, common_dtype(op.name, {&a, &b}), DType::boolean);
}
Tensor logical(const Op& op, Fn fn, const Operand& a, const Operand& b) {
  common_dtype(op.name, {&a, &b});
  return binary(op, fn, a, b, DType::boolean, DType::boolean);
}

void check_exponent(const Operand& b) {
  const bool negative = b.tensor() ? b.tensor()->size() > 0 && (min(*b.tensor()) < 0).item<bool>() : b.integer() < 0;
  if (negative)
    fail<ValueError>("pow", "negative integer exponent; got an integer base, expected exponents of at least 0",
                     "; convert the base to a floating dtype");
}

}  // namespace

constexpr const Op* kOps[] = {&kAdd,  &kSubtract, &kMultiply, &kDivide, &kPow,       &kMaximum, &kMinimum, &kNegative, &kWhere,
                              &kClip, &kEqual,    &kNotEqual, &kLess,   &kLessEqual, &kAnd,     &kOr,      &kNot};
const OpFamily kArithmeticOps{"arithmetic", kOps};

}  // namespace detail

using detail::Fn;

Tensor add(const Operand& a, const Operand& b) { return detail::arithmetic(detail::kAdd, Fn::add, a, b); }
Tensor subtract(const Operand& a, const Operand& b) { return detail::arithmetic(detail::kSubtract, Fn::subtract, a, b); }
Tensor multiply(const Operand& a, const Operand& b) { return detail::arithmetic(detail::kMultiply, Fn::multiply, a, b); }
Tensor divide(const Operand& a, const Operand& b) {
  const DType dtype = to_floating(detail::common_dtype("divide", {&a, &b}));
  return detail::binary(detail::kDivide, Fn::divide, a, b, dtype, dtype);
}
Tensor pow(const Operand& a, const Operand& b) {
  const DType dtype = detail::common_dtype("pow", {&a, &b});
  if (!is_floating(dtype)) detail::check_exponent(b);
  return detail::binary(detail::kPow, Fn::pow, a, b, dtype, dtype);
}
Tensor maximum(const Operand& a, const Operand& b) { return detail::arithmetic(detail::kMaximum, Fn::maximum, a, b); }
Tensor minimum(const Operand& a, const Operand& b) { return detail::arithmetic(detail::kMinimum, Fn::minimum, a, b); }
Tensor negative(const Tensor& x) { return detail::unary(detail::kNegative, Fn::negative, x); }

Tensor operator+(const Operand& a, const Operand& b) { return add(a, b); }
Tensor operator-(const Operand& a, const Operand& b) { return subtract(a, b); }
Tensor operator*(const Operand& a, const Operand& b) { return multiply(a, b); }
Tensor operator/(const Operand& a, const Operand& b) { return divide(a, b); }
Tensor operator-(const Tensor& x) { return negative(x); }

Tensor operator==(const Operand& a, const Operand& b) { return detail::compare(detail::kEqual, Fn::equal, a, b); }
Tensor operator!=(const Operand& a, const Operand& b) { return detail::compare(detail::kNotEqual, Fn::not_equal, a, b); }
Tensor operator<(const Operand& a, const Operand& b) { return detail::compare(detail::kLess, Fn::less, a, b); }
Tensor operator<=(const Operand& a, const Operand& b) { return detail::compare(detail::kLessEqual, Fn::less_equal, a, b); }
Tensor operator>(const Operand& a, const Operand& b) { return b < a; }
Tensor operator>=(const Operand& a, const Operand& b) { return b <= a; }
Tensor logical_and(const Operand& a, const Operand& b) { return detail::logical(detail::kAnd, Fn::logical_and, a, b); }
Tensor logical_or(const Operand& a, const Operand& b) { return detail::logical(detail::kOr, Fn::logical_or, a, b); }
Tensor logical_not(const Tensor& x) {
  const Tensor b = x.astype(DType::boolean);
  return detail::unary(detail::kNot, Fn::logical_not, b);
}

Tensor where(const Tensor& condition, const Operand& a, const Operand& b) {
  if (condition.dtype() != DType::boolean)
    fail<DTypeError>("where", "the condition must be boolean; got ", condition.dtype(), ", expected bool; compare with != 0");
  // Two numbers: the result has the dtype C++ would give them.
  const bool numbers = !a.tensor() && !b.tensor();
  const DType dtype = !numbers                                                   ? detail::common_dtype("where", {&a, &b})
                      : a.kind() == DType::float64 || b.kind() == DType::float64 ? DType::float32
                                                                                 : promote(a.kind(), b.kind());
  const Tensor x = detail::as_tensor(a, dtype), y = detail::as_tensor(b, dtype);
  return detail::pointwise(detail::kWhere, Fn::where, {&condition, &x, &y}, dtype);
}

Tensor clip(const Tensor& x, double low, double high) {
  if (!(low <= high))
    fail<ValueError>("clip", "bounds out of order; got low = ", low, ", high = ", high, ", expected low <= high");
  const Tensor y = detail::as_floating(x);
  const Tensor lo = detail::as_tensor(low, y.dtype()), hi = detail::as_tensor(high, y.dtype());
  return detail::pointwise(detail::kClip, Fn::clip, {&y, &lo, &hi}, y.dtype());
}

}  // namespace gradus
