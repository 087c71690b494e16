// Derivatives of log Gamma in long double, from recurrences and asymptotic series: something to hold the library's against.
#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace gradus::test {

// B_2, B_4, ...
inline constexpr std::array kBernoulli{1 / 6.0L,       -1 / 30.0L, 1 / 42.0L,      -1 / 30.0L,     5 / 66.0L,
                                       -691 / 2730.0L, 7 / 6.0L,   -3617 / 510.0L, 43867 / 798.0L, -174611 / 330.0L};

/// psi(x): log x - 1/2x - sum B_2k / (2k x^2k) beyond 40, psi(x) = psi(x + 1) - 1/x before, psi(1 - x) - pi cot(pi x) left of 0.
inline long double digamma_of(long double x) {
  if (x == 0) return std::copysign(std::numeric_limits<long double>::infinity(), -x);
  if (x < 0) {
    const long double r = x - std::rint(x), pi = std::numbers::pi_v<long double>;
    return r == 0 ? std::numeric_limits<long double>::quiet_NaN() : digamma_of(1 - x) - pi / std::tan(pi * r);
  }
  if (std::isinf(x)) return x;
  long double before = 0;
  for (; x < 40; x += 1) before += 1 / x;
  long double power = 1 / (x * x), sum = std::log(x) - 0.5L / x - before;
  for (size_t k = 0; k < kBernoulli.size(); ++k, power /= x * x)
    sum -= kBernoulli[k] / (2 * static_cast<long double>(k) + 2) * power;
  return sum;
}

/// (-1)^(n+1) n! sum of (x + k)^-(n+1), n >= 1: a sum up to 40 and the integral beyond with its corrections, for any x that is
/// no pole.
inline long double polygamma_of(int n, long double x) {
  const long double s = n + 1;
  long double sum = 0;
  for (; x < 40 + n; x += 1) sum += 1 / std::pow(x, s);
  sum += std::pow(x, 1 - s) / (s - 1) + std::pow(x, -s) / 2;
  long double factor = s * std::pow(x, -s - 1) / 2;  // s (s + 1) ... / (2k)! x^(-s - 2k + 1)
  for (size_t k = 0; k < kBernoulli.size(); ++k) {
    sum += kBernoulli[k] * factor;
    const long double i = 2 * static_cast<long double>(k) + 1;
    factor *= (s + i) * (s + i + 1) / ((i + 2) * (i + 3) * x * x);
  }
  return (n % 2 != 0 ? 1 : -1) * std::tgamma(s) * sum;
}

}  // namespace gradus::test
