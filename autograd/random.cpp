#include "autograd/random.h"

#include <cmath>
#include <limits>

#include "autograd/draw_log.h"
#include "autograd/kernels/random.h"

namespace gradus {

random::Draw detail::DrawScope::take(DrawScope* scope, random::Generator& generator) {
  if (!scope) return generator.fresh();
  if (scope->mode_ == Mode::write) return scope->log_.draws.emplace_back(take(scope->outer_, generator));
  const std::vector<random::Draw>& draws = scope->log_.draws;
  return scope->next_ < draws.size() ? draws[scope->next_++] : generator.fresh();
}

namespace random {
namespace {

Tensor make_floating(std::string_view op, const Shape& shape, DType dtype) {
  if (!is_floating(dtype))
    fail<DTypeError>(op, "not a floating dtype; got ", dtype, ", expected float16, bfloat16, float32 or float64");
  return detail::empty(op, shape, dtype);
}

// Taken last: a call that fails leaves the generator as it was.
kernels::RandomKey next_key(Generator& generator) {
  const Draw draw = generator.next();
  return {draw.seed, draw.stream};
}

void check_normal(std::string_view op, double mean, double stddev) {
  if (!std::isfinite(mean)) fail<ValueError>(op, "mean is not finite; got ", mean, ", expected a finite number");
  if (!(stddev >= 0 && std::isfinite(stddev)))
    fail<ValueError>(op, "bad standard deviation; got ", stddev, ", expected a finite number of at least 0");
}

// The integers that a dtype holds without gaps, both ends included.
struct Limits {
  int64_t low, high;
};
Limits integer_limits(DType dtype) {
  return visit_dtype(dtype, []<class T>() -> Limits {
    if constexpr (std::integral<T>) return {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
    constexpr int digits = std::same_as<T, float16> ? 11 : std::same_as<T, bfloat16> ? 8 : std::numeric_limits<T>::digits;
    if constexpr (std::integral<T>) return {};
    else return {-(int64_t{1} << digits), int64_t{1} << digits};
  });
}

}  // namespace

Draw Generator::next() { return detail::DrawScope::take(detail::DrawScope::current, *this); }

Generator& default_generator() {
  static Generator generator;
  return generator;
}

Tensor normal(const Shape& shape, double mean, double stddev, DType dtype, Generator& generator) {
  check_normal("normal", mean, stddev);
  Tensor out = make_floating("normal", shape, dtype);
  kernels::fill_normal(*out.ref(), next_key(generator), mean, stddev);
  return out;
}

Tensor uniform(const Shape& shape, double low, double high, DType dtype, Generator& generator) {
  if (!(low <= high) || !std::isfinite(high - low))
    fail<ValueError>("uniform", "bad bounds; got low ", low, " and high ", high, ", expected finite low <= high");
  Tensor out = make_floating("uniform", shape, dtype);
  kernels::fill_uniform(*out.ref(), next_key(generator), low, high);
  return out;
}

Tensor truncated_normal(const Shape& shape, double mean, double stddev, DType dtype, Generator& generator) {
  check_normal("truncated_normal", mean, stddev);
  Tensor out = make_floating("truncated_normal", shape, dtype);
  kernels::fill_truncated_normal(*out.ref(), next_key(generator), mean, stddev);
  return out;
}

Tensor bernoulli(const Shape& shape, double probability, DType dtype, Generator& generator) {
  if (!(probability >= 0 && probability <= 1))
    fail<ValueError>("bernoulli", "bad probability; got ", probability, ", expected 0 <= probability <= 1");
  Tensor out = detail::empty("bernoulli", shape, dtype);
  kernels::fill_bernoulli(*out.ref(), next_key(generator), probability);
  return out;
}

Tensor randint(const Shape& shape, int64_t low, int64_t high, DType dtype, Generator& generator) {
  if (low >= high) fail<ValueError>("randint", "bad bounds; got low ", low, " and high ", high, ", expected low < high");
  if (dtype == DType::boolean)
    fail<DTypeError>("randint", "not a number; got ", dtype, ", expected an integer or floating dtype; see bernoulli");
  if (const Limits limits = integer_limits(dtype); low < limits.low || high - 1 > limits.high)
    fail<ValueError>("randint", "bounds do not fit the dtype; got low ", low, " and high ", high, " for ", dtype, ", expected ",
                     limits.low, " <= low and high - 1 <= ", limits.high);
  Tensor out = detail::empty("randint", shape, dtype);
  kernels::fill_randint(*out.ref(), next_key(generator), low, high);
  return out;
}

Tensor permutation(int64_t n, Generator& generator) {
  if (n < 0) fail<ValueError>("permutation", "negative length; got ", n, ", expected at least 0");
  Tensor out = detail::empty("permutation", {n}, DType::int64);
  kernels::fill_permutation(*out.ref(), next_key(generator));
  return out;
}

}  // namespace random
}  // namespace gradus
