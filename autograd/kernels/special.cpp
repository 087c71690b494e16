#include "autograd/kernels/special.h"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace gradus::kernels::special {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();

/// cot(pi x), with the period taken off exactly.
double cot_pi(double x) { return 1 / std::tan(std::numbers::pi * (x - std::rint(x))); }

bool is_whole(double x) { return x == std::floor(x); }

// psi(x) = (x - x0) (c0 + c1 (x - x0) + ...) around its positive root x0: the Taylor series, whose c_k are psi^(k+1)(x0) / (k+1)!
double digamma_near_root(double x) {
  constexpr double kRoot = 1.4616321449683622, kRootRest = 9.5499954299656977e-17;
  constexpr std::array kTaylor{0.96767224544762117,    -0.44276316898359211,    0.25849976095565101,    -0.16394270544240653,
                               0.10782405069126237,    -0.072199561256454711,   0.048804288164143107,   -0.033161126474847359,
                               0.022597648232218105,   -0.015424765904948959,   0.010538791616612175,   -0.0072045343863568682,
                               0.0049267813957298534,  -0.0033698016554393281,  0.0023051263267349278,  -0.0015769367714301973,
                               0.0010788252019162966,  -0.00073807093899600513, 0.00050495326583460204, -0.0003454680251063077,
                               0.00023635601564027053, -0.00016170622091974803, 0.00011063372768747411};
  const double d = (x - kRoot) - kRootRest;
  double sum = 0;
  for (size_t k = kTaylor.size(); k-- > 0;) sum = sum * d + kTaylor[k];
  return d * sum;
}

// psi(x) = psi(x + 1) - 1/x up to where the asymptotic series holds.
double digamma_positive(double x) {
  if (std::abs(x - 1.4616321449683622) < 0.3) return digamma_near_root(x);
  constexpr std::array kBernoulli{// B_2k / 2k
                                  0.083333333333333333,  -0.0083333333333333333, 0.0039682539682539683, -0.0041666666666666667,
                                  0.0075757575757575758, -0.021092796092796093,  0.083333333333333333,  -0.44325980392156863};
  double shift = 0;
  for (; x < 10; x += 1) shift += 1 / x;
  const double z = 1 / (x * x);
  double series = 0;
  for (size_t k = kBernoulli.size(); k-- > 0;) series = z * (series + kBernoulli[k]);
  return std::log(x) - 0.5 / x - series - shift;
}

/// zeta(s, x) = sum over k >= 0 of (x + k)^-s for x > 0 and whole s >= 2: some terms, then Euler and Maclaurin's formula.
double hurwitz_zeta(int s, double x) {
  constexpr std::array kBernoulli{// B_2k / (2k)!
                                  0.083333333333333333,    -0.0013888888888888889,  3.3068783068783069e-5,
                                  -8.2671957671957672e-7,  2.0876756987868099e-8,   -5.2841901386874932e-10,
                                  1.3382536530684679e-11,  -3.3896802963225829e-13, 8.5860620562778446e-15,
                                  -2.1748686985580619e-16, 5.5090028283602295e-18,  -1.3954464685812523e-19};
  const double exponent = s, enough = 10 + 0.5 * exponent;
  double sum = 0;
  for (; x < enough; x += 1) {
    const double term = std::pow(x, -exponent);
    sum += term;
    if (term < sum * 1e-18) return sum;
  }
  const double power = std::pow(x, -exponent);
  double tail = x / (exponent - 1) + 0.5, factor = exponent / x;
  for (size_t k = 0; k < kBernoulli.size(); ++k) {
    tail += kBernoulli[k] * factor;
    const double next = exponent + 2 * static_cast<double>(k) + 1;
    factor *= next * (next + 1) / (x * x);
  }
  return sum + power * tail;
}

/// The n-th derivative of pi cot(pi x). That of cot is a polynomial in cot: P_0(c) = c, P_n+1 = -(1 + c^2) P_n'.
double cot_derivative(int n, double x) {
  std::array<double, kMaxPolygammaOrder + 3> p{}, next{};
  p[1] = 1;
  for (int order = 0; order < n; ++order) {
    next = {};
    for (size_t k = 1; k <= static_cast<size_t>(order) + 1; ++k) {
      const double slope = std::numbers::pi * static_cast<double>(k) * p[k];
      next[k - 1] -= slope;
      next[k + 1] -= slope;
    }
    p = next;
  }
  const double c = cot_pi(x);
  double sum = 0;
  for (size_t k = static_cast<size_t>(n) + 2; k-- > 0;) sum = sum * c + p[k];
  return std::numbers::pi * sum;
}

double pole(double x) { return x != 0 ? kNaN : std::signbit(x) ? kInfinity : -kInfinity; }

}  // namespace

double lgamma(double x) {
  int sign;
  return ::lgamma_r(x, &sign);
}

double digamma(double x) {
  if (x > 0) return x == kInfinity ? x : digamma_positive(x);
  if (std::isnan(x)) return x;
  if (is_whole(x)) return pole(x);
  return digamma_positive(1 - x) - std::numbers::pi * cot_pi(x);
}

double polygamma(int n, double x) {
  if (n == 0) return digamma(x);
  const bool odd = n % 2 != 0;
  if (std::isnan(x) || x == -kInfinity) return kNaN;
  if (x == kInfinity) return odd ? 0.0 : -0.0;
  if (x <= 0 && is_whole(x)) return odd ? kInfinity : pole(x);
  const double factorial = std::tgamma(static_cast<double>(n) + 1);
  if (x > 0) return (odd ? 1 : -1) * factorial * hurwitz_zeta(n + 1, x);
  // psi_n(x) = (-1)^n psi_n(1 - x) - (d/dx)^n pi cot(pi x)
  return -factorial * hurwitz_zeta(n + 1, 1 - x) - cot_derivative(n, x);
}

}  // namespace gradus::kernels::special
