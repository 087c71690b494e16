#include "tests/accuracy/measure.h"

#include <bit>
#include <cmath>
#include <iomanip>
#include <limits>
#include <random>
#include <sstream>

#include "tests/autograd/pointwise_rows.h"
#include "tests/support/ulps.h"

namespace gradus::test {
namespace {

template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

template <class T>
std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> v{Limits::quiet_NaN()};
  for (const T x : {T(0), Limits::denorm_min(), Limits::min() / 3, Limits::min(), Limits::epsilon(), T(0.5), T(1), T(1.5), T(2),
                    T(3), T(10), T(88.7228), T(104), T(9999), T(10001), T(8388609), Limits::max(), Limits::infinity()})
    v.push_back(x), v.push_back(-x);
  return v;
}

/// Specials, then half any bits, half numbers within 16.
template <class T>
std::vector<T> sample(int count) {
  std::vector<T> v = special_values<T>();
  std::mt19937_64 bits(11);
  for (int i = 0; i < count; ++i)
    v.push_back(i % 2 ? std::bit_cast<T>(static_cast<BitsOf<T>>(bits()))
                      : static_cast<T>(std::ldexp(static_cast<double>(static_cast<int64_t>(bits())), -59)));
  return v;
}

template <class T>
Impl tensor(const std::vector<T>& v) {
  const Impl x = empty(Shape{static_cast<int64_t>(v.size())}, dtype_of<T>);
  std::copy(v.begin(), v.end(), x->as<T>());
  return x;
}

/// The larger of `worst` and the error at any of x, and where that is.
template <class T>
void try_all(const Unary& row, const std::vector<T>& x, double& worst, double* at) {
  const Impl y = apply(row.fn, tensor(x), dtype_of<T>);
  for (size_t i = 0; i < x.size(); ++i)
    if (const double error = ulps(y->as<T>()[i], row.value(x[i])); error > worst)
      worst = error, at[0] = static_cast<double>(x[i]);
}

template <class T>
void try_pairs(const Binary& row, const std::vector<T>& values, double& worst, double* at) {
  std::vector<T> a, b;
  for (const T x : values)
    for (const T y : values) a.push_back(x), b.push_back(y);
  const Impl y = apply(row.fn, tensor(a), tensor(b), Shape{static_cast<int64_t>(a.size())}, dtype_of<T>);
  for (size_t i = 0; i < a.size(); ++i)
    if (const double error = ulps(y->as<T>()[i], row.value(a[i], b[i])); error > worst)
      worst = error, at[0] = static_cast<double>(a[i]), at[1] = static_cast<double>(b[i]);
}

constexpr size_t kBlock = 1 << 16;

}  // namespace

std::vector<Measured> measure(uint64_t stride, uint64_t first, int samples) {
  std::vector<Measured> rows;
  for (const Unary& row : kUnary) {
    Measured m{.name = row.name};
    double at64[2];
    try_all(row, special_values<float>(), m.worst32, m.at32);
    std::vector<float> x;
    for (uint64_t bits = first; bits < uint64_t{1} << 32; bits += stride) {
      x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
      if (x.size() == kBlock) try_all(row, x, m.worst32, m.at32), x.clear();
    }
    try_all(row, x, m.worst32, m.at32);
    try_all(row, sample<double>(samples), m.worst64, at64);
    rows.push_back(m);
  }
  const int side = static_cast<int>(std::sqrt(static_cast<double>(samples)));
  for (const Binary& row : kBinary) {
    if (row.fn == kernels::Fn::maximum || row.fn == kernels::Fn::minimum) continue;  // exact; which zero is not said
    Measured m{.name = row.name, .binary = true};
    double at64[2];
    try_pairs(row, sample<float>(side), m.worst32, m.at32);
    try_pairs(row, sample<double>(side), m.worst64, at64);
    rows.push_back(m);
  }
  return rows;
}

std::string markdown(const std::vector<Measured>& rows) {
  std::ostringstream out;
  out << "| function | float32, worst ulp | at | float64, worst ulp |\n|---|---|---|---|\n";
  for (const Measured& m : rows) {
    out << "| " << m.name << " | " << std::fixed << std::setprecision(2) << m.worst32 << " | ";
    out << std::defaultfloat << std::setprecision(9) << m.at32[0];
    if (m.binary) out << ", " << m.at32[1];
    out << " | " << std::fixed << std::setprecision(2) << m.worst64 << " |\n";
  }
  return out.str();
}

}  // namespace gradus::test
