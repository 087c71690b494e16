// The derivative rules of fused functions: expressions of the functions themselves, so that every order follows. At joints and
// edges they answer as the operations do.
#include <cmath>
#include <limits>
#include <numbers>

#include "autograd/base/error.h"
#include "autograd/fused/expression.h"

namespace gradus::detail {
namespace {

using Number = FusedNumber;
using MaybeNumber = std::optional<Number>;  // none: zero everywhere

Number one_minus_square(Number x) { return (1 - x) * (1 + x); }

/// x / length^2 for the angle at a point: without overflow, 0 at the origin and at infinity.
Number over_square(Number x, Number length) {
  const FusedMask nowhere = (length == 0) | isinf(length);
  const Number safe = where(nowhere, 1, length);
  return where(nowhere, 0, x) / safe / safe;
}

/// e^a / (e^a + e^b); a half each for equal infinities.
Number share_of(Number a, Number b) {
  const FusedMask tied = (a == b) & isinf(a);
  return sigmoid(where(tied, 0, a) - where(tied, 0, b));
}

/// d y / d x[k] of y = fn(x...).
MaybeNumber slope(Fn fn, size_t k, const Expression& e, const Number* xs, Number y) {
  const Number x = xs[0], b = xs[1];
  switch (fn) {
    case Fn::abs: return sign(x);
    case Fn::sqrt: return 0.5 / y;
    case Fn::rsqrt: return -0.5 * y / x;
    case Fn::reciprocal: return -(y * y);
    case Fn::cbrt: return 1 / (3 * (y * y));
    case Fn::exp: return y;
    case Fn::exp2: return std::numbers::ln2 * y;
    case Fn::expm1: return exp(x);
    case Fn::log: return 1 / x;
    case Fn::log2: return std::numbers::log2e / x;
    case Fn::log10: return std::numbers::log10e / x;
    case Fn::log1p: return 1 / (1 + x);
    case Fn::sin: return cos(x);
    case Fn::cos: return -sin(x);
    case Fn::tan: return 1 + y * y;
    case Fn::asin: return 1 / sqrt(one_minus_square(x));
    case Fn::acos: return -1 / sqrt(one_minus_square(x));
    case Fn::atan: return 1 / (1 + x * x);
    case Fn::sinh: return cosh(x);
    case Fn::cosh: return sinh(x);
    case Fn::tanh: return 1 - y * y;
    case Fn::asinh: return 1 / hypot(x, 1);
    case Fn::acosh: return 1 / (sqrt(x - 1) * sqrt(x + 1));
    case Fn::atanh: return 1 / one_minus_square(x);
    case Fn::erf: return 2 * std::numbers::inv_sqrtpi * gaussian(x);
    case Fn::erfc: return -2 * std::numbers::inv_sqrtpi * gaussian(x);
    case Fn::lgamma: return digamma(x);
    case Fn::digamma: return polygamma(1, x);
    case Fn::polygamma: return polygamma(static_cast<int>(e[x.ref.node].value()) + 1, b);
    case Fn::sigmoid: return y * (1 - y);
    case Fn::log_sigmoid: return sigmoid(-x);
    case Fn::softplus: return sigmoid(x);
    case Fn::silu: {
      const Number s = sigmoid(x), held = where(x < -10000, -10000, x);  // left of that all is 0, also at -inf
      return s * (1 + held * (1 - s));
    }
    case Fn::gelu: {
      const Number u = x * (1 / std::numbers::sqrt2), held = where(x < -10000, -10000, x);
      return 0.5 * erfc(-u) + held * (0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2 * gaussian(u));
    }
    case Fn::gaussian: return -2 * x * y;
    case Fn::fmod:
    case Fn::remainder: return k == 0 ? Number(1) : round((y - x) / b);
    case Fn::hypot: return xs[k] / where(y == 0, 1, y);
    case Fn::atan2: return k == 0 ? over_square(b, hypot(x, b)) : -over_square(x, hypot(x, b));
    case Fn::logaddexp: return k == 0 ? share_of(x, b) : share_of(b, x);
    case Fn::xlogy: {
      const Number safe = where((x == 0) & (b <= 0), 1, b);
      return k == 0 ? log(safe) : x / safe;
    }
    case Fn::pow:
      if (k == 0) {
        const Expression::Node& power = e[b.ref.node];
        if (power.kind == Expression::Kind::constant && power.value() == 2) return 2 * x;
        if (power.kind == Expression::Kind::constant && power.value() != 0) return b * pow(x, b - 1);
        return b * pow(where((b == 0) & ((x == 0) | isnan(x)), 1, x), b - 1);
      }
      return y * log(where((x >= 0) & ((y == 0) | ((x == 0) & (b == 0))), 1, x));
    case Fn::sign:
    case Fn::floor:
    case Fn::ceil:
    case Fn::round:
    case Fn::trunc: return {};
    default: break;
  }
  fail<ValueError>("fused", "no derivative; got function ", static_cast<int>(fn), ", expected one of those listed in fused.h");
}

MaybeNumber sum(const MaybeNumber& a, const MaybeNumber& b) { return a && b ? *a + *b : a ? a : b; }

/// The derivative of one call, dx those of its arguments: the chain rule, except where products would be less exact, or infinite.
MaybeNumber derivative(Fn fn, const Expression& e, std::span<const Number> x, Number y, std::span<const MaybeNumber> dx) {
  const auto times = [](const MaybeNumber& d, Number factor) { return d ? MaybeNumber(*d * factor) : d; };
  const auto or_zero = [](const MaybeNumber& d) { return d ? *d : Number(0); };
  switch (fn) {
    case Fn::add: return sum(dx[0], dx[1]);
    case Fn::subtract:
      if (dx[0] && dx[1]) return *dx[0] - *dx[1];
      return dx[0] ? dx[0] : times(dx[1], -1);
    case Fn::multiply: return sum(times(dx[0], x[1]), times(dx[1], x[0]));
    case Fn::divide:
      if (dx[0] && dx[1]) return (*dx[0] - y * *dx[1]) / x[1];
      return (dx[0] ? *dx[0] : -(y * *dx[1])) / x[1];
    case Fn::where: return where(FusedMask(x[0].ref), or_zero(dx[1]), or_zero(dx[2]));
    case Fn::relu: return where(x[0] <= 0, 0, *dx[0]);  // NaN stays
    case Fn::maximum:
    case Fn::minimum: {  // ties share the gradient, NaN gets none
      const Number a = or_zero(dx[0]), b = or_zero(dx[1]);
      const FusedMask greater = x[0] > x[1], less = x[0] < x[1];
      const bool maximum = fn == Fn::maximum;
      return where(maximum ? greater : less, a, where(maximum ? less : greater, b, where(x[0] == x[1], 0.5 * (a + b), 0)));
    }
    default: break;
  }
  MaybeNumber out;
  for (size_t k = 0; k < x.size(); ++k) {
    if (!dx[k]) continue;
    const MaybeNumber s = slope(fn, k, e, x.data(), y);
    if (s) out = sum(out, times(dx[k], *s));
  }
  return out;
}

}  // namespace

std::vector<MaybeNumber> derivatives(Expression& e, uint32_t output, size_t arity) {
  const Tracing tracing(e);
  const std::vector<bool> needed = e.needed(std::array{output});
  std::vector<std::vector<MaybeNumber>> d(output + 1, std::vector<MaybeNumber>(arity));  // of every node, in every input
  for (uint32_t id = 0; id <= output; ++id) {
    if (!needed[id]) continue;
    const Expression::Node node = e[id];
    if (node.kind == Expression::Kind::input) d[id][node.bits] = Number(1);
    std::array<Number, 3> x;
    for (size_t i = 0; i < node.arity; ++i) x[i] = Number(ExpressionRef{&e, node.args[i]});
    if (gives_mask(node.fn)) continue;
    for (size_t k = 0; k < arity && node.arity > 0; ++k) {
      std::array<MaybeNumber, 3> dx;
      for (size_t i = 0; i < node.arity; ++i) dx[i] = d[node.args[i]][k];
      if (dx[0] || dx[1] || dx[2])
        d[id][k] = derivative(node.fn, e, {x.data(), node.arity}, Number(ExpressionRef{&e, id}), {dx.data(), node.arity});
    }
  }
  return d[output];
}

}  // namespace gradus::detail
