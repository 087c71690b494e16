// The gamma function's logarithm and its derivatives, one number at a time.
#pragma once

namespace gradus::kernels::special {

/// log |Gamma(x)|; infinite at the poles 0, -1, -2... Unlike std::lgamma it writes no global variable.
double lgamma(double x);

/// The derivative of lgamma: -inf at 0, +inf at -0, NaN at the negative poles.
double digamma(double x);

inline constexpr int kMaxPolygammaOrder = 100;

/// The n-th derivative of digamma, 0 <= n <= kMaxPolygammaOrder. At a pole: +inf for odd n; as digamma for even n.
double polygamma(int n, double x);

}  // namespace gradus::kernels::special
