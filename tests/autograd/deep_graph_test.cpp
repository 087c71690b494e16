// Deep and shared graphs: linear work and memory, no recursion. Work is counted in rules, records and bytes, never in time.
#include <cmath>
#include <string>
#include <vector>

#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::approx;
using test::InUse;
using test::item;

TEST_CASE("a chain of a million sums") {
  const InUse before;
  {
    Variable x(1.0);
    const Tensor one(1.0);
    GradientTape tape;
    Tensor y = x;
    y = y + one;
    const InUse early;
    for (int i = 1; i < 1'000'000; ++i) y = y + one;
    CHECK(tape.size() == 1'000'000);
    CHECK(early == InUse());  // a sum saves nothing
    CHECK(item(y) == 1'000'001);
    CHECK(item(tape.gradient(y, x)) == 1);
  }
  CHECK(before == InUse());
}

TEST_CASE("a chain of a million operations that save their values") {
  const InUse before;
  {
    Variable x(0.5);
    const Tensor small(1e-7);
    GradientTape tape;
    Tensor y = x;
    double value = 0.5, slope = 1;
    for (int i = 0; i < 250'000; ++i) {  // y <- y + small * sin(y)
      y = y + small * sin(y);
      slope *= 1 + 1e-7 * std::cos(value);
      value += 1e-7 * std::sin(value);
    }
    for (int i = 0; i < 250'000; ++i) y = -y;
    CHECK(tape.size() == 1'000'000);
    CHECK(item(y) == doctest::Approx(value).epsilon(1e-12));
    CHECK(item(tape.gradient(y, x)) == doctest::Approx(slope).epsilon(1e-9));
  }
  CHECK(before == InUse());
}

TEST_CASE("a hundred thousand leaves") {
  std::vector<Variable> leaves;
  leaves.reserve(100'000);
  for (int i = 0; i < 100'000; ++i) leaves.emplace_back(static_cast<double>(i));
  GradientTape tape;
  Tensor y(0.0);
  for (const Variable& leaf : leaves) y = y + leaf * 2;
  const std::vector<Tensor> g = tape.gradient(y, leaves);
  bool right = true;
  for (const Tensor& d : g) right &= item(d) == 2;
  CHECK(right);
}

TEST_CASE("a ladder of doublings: 2^1000 paths, a thousand records") {
  Variable x(1.0);
  GradientTape tape({.persistent = true});
  Tensor y = x;
  for (int i = 0; i < 1000; ++i) y = y + y;
  CHECK(tape.size() == 1000);
  CHECK(item(y) == std::ldexp(1.0, 1000));
  CHECK(item(tape.gradient(y, x)) == std::ldexp(1.0, 1000));
}

TEST_CASE("every record's rule runs once") {
  int calls = 0;
  const auto twice = custom_gradient([&calls](const Tensor& a, const Tensor& b) {
    return std::pair{a + b, [&calls](const Tensor& g) {
                       ++calls;
                       return std::pair{g, g};
                     }};
  });
  Variable x(1.0);
  {
    GradientTape tape;
    Tensor y = x;
    for (int i = 0; i < 40; ++i) y = twice(y, y);
    CHECK(item(tape.gradient(y, x)) == std::ldexp(1.0, 40));
    CHECK(calls == 40);
  }
  calls = 0;
  GradientTape tape;  // a lattice: each level uses both of the level below
  Tensor a = x * 1, b = x * 2;
  for (int i = 0; i < 50; ++i) {
    const Tensor next = twice(a, b);
    b = twice(b, a);
    a = next;
  }
  CHECK(item(tape.gradient(a + b, x)) == 2 * 3 * std::ldexp(1.0, 49));
  CHECK(calls == 100);
}

TEST_CASE("only what lies between target and source is walked") {
  int calls = 0;
  const auto counted = custom_gradient([&calls](const Tensor& a) {
    return std::pair{a * 1, [&calls](const Tensor& g) {
                       ++calls;
                       return g * 1;
                     }};
  });
  Variable x(1.0), other(1.0);
  GradientTape tape({.persistent = true});
  Tensor y = counted(x), unrelated = other.value();
  for (int i = 0; i < 10; ++i) unrelated = counted(unrelated);
  const Tensor side = counted(y), target = counted(y) + stop_gradient(side) + unrelated;
  counted(target);
  CHECK(item(tape.gradient(target, x)) == 1);
  CHECK(calls == 2);
  calls = 0;
  CHECK(item(tape.gradient(target, y)) == 1);
  CHECK(calls == 1);
}

TEST_CASE("a recorded reverse pass is linear, too") {
  const auto records = [](int depth) {
    Variable x(0.5);
    GradientTape outer, inner;
    Tensor y = x;
    for (int i = 0; i < depth; ++i) y = (y * y + y) * 0.5;
    const Tensor g = inner.gradient(y, x);
    const int64_t count = outer.size();
    CHECK(outer.gradient(g, x).defined());
    return count;
  };
  const int64_t one = records(100), two = records(200), four = records(400);
  CHECK(two - one == (four - two) / 2);  // exactly: so many records per level
  CHECK(one < 100 * 12);
}

TEST_CASE("deep diamonds against forward differentiation") {
  Variable x(0.3);
  GradientTape tape;
  Tensor y = x;
  double value = 0.3, slope = 1;
  for (int i = 0; i < 1000; ++i) {
    y = 0.5 * sin(y) + 0.6 * cos(y);
    const double next = 0.5 * std::sin(value) + 0.6 * std::cos(value);
    slope *= 0.5 * std::cos(value) - 0.6 * std::sin(value);
    value = next;
    if (std::abs(slope) < 1e-200) slope = 0;
  }
  CHECK(item(y) == doctest::Approx(value).epsilon(1e-12));
  CHECK(item(tape.gradient(y, x)) == doctest::Approx(slope));
}

// Unrolled sequences

// h <- h / 2 + x[t]: d h / d x[t] = 2^(t + 1 - T) in every column.
Tensor unroll(const Tensor& x, int64_t steps, bool by_text) {
  Tensor h = zeros({x.shape()[1]}, x.dtype());
  for (int64_t t = 0; t < steps; ++t) h = h * 0.5 + (by_text ? x[std::to_string(t)] : x[t]);
  return h;
}

TEST_CASE("x[t] for ten thousand t: one adjoint of the size of x, written in place") {
  constexpr int64_t kSteps = 10'000;
  const Tensor x = random::normal({kSteps, 32});
  const InUse before;
  {
    GradientTape tape;
    tape.watch(x);
    const Tensor h = unroll(x, kSteps, false);
    memory::reset_peak();
    const int64_t start = memory::stats().peak_bytes;
    const Tensor g = tape.gradient(h, x);
    // A gradient per slice, each as large as x, would need a second one beside the sum. Between two and one is a wide margin.
    CHECK(memory::stats().peak_bytes - start < kSteps * 32 * 4 * 3 / 2);
    CHECK((g.shape() == x.shape()));
    CHECK(g[kSteps - 1][0].item<double>() == 1);
    CHECK(g[kSteps - 1][31].item<double>() == 1);
    CHECK(g[kSteps - 2][7].item<double>() == 0.5);
    CHECK(g[kSteps - 20][7].item<double>() == std::ldexp(1.0, -19));
    CHECK(g[0][0].item<double>() == 0);  // underflows
  }
  CHECK(before == InUse());
}

TEST_CASE("ten times as many steps cost ten times the records and memory, and no allocation a step once blocks are warm") {
  struct Cost {
    int64_t bytes, blocks, system;
  };
  const auto cost = [](int64_t steps) {
    const Tensor x = random::normal({steps, 32});
    const memory::Stats before = memory::stats();
    memory::reset_peak();
    GradientTape tape;
    tape.watch(x);
    const Tensor h = unroll(x, steps, false);
    const int64_t blocks = memory::stats().live_blocks - before.live_blocks;
    tape.gradient(h, x);
    return Cost{memory::stats().peak_bytes - before.live_bytes, blocks,
                memory::stats().system_allocations - before.system_allocations};
  };
  cost(10'000);
  const Cost few = cost(1'000), many = cost(10'000);
  CHECK(many.blocks <= 10 * few.blocks + 10);
  CHECK(many.bytes <= 11 * few.bytes);
  CHECK(many.system <= 2);
}

TEST_CASE("the same for a variable, by text, for gathers, and for overlapping slices") {
  const Tensor start = random::normal({64, 8}, 0, 1, DType::float64);
  Variable x(start);
  std::vector<double> expected;
  for (int t = 0; t < 64; ++t) expected.insert(expected.end(), 8, std::ldexp(1.0, t - 63));
  for (const bool by_text : {false, true}) {
    GradientTape tape;
    CHECK(approx(tape.gradient(unroll(x, 64, by_text), x), expected, 0));
  }
  {
    GradientTape tape;
    Tensor h = zeros({8}, DType::float64);
    for (int64_t t = 0; t < 64; ++t) h = h * 0.5 + take(x, Tensor(t));
    CHECK(approx(tape.gradient(h, x), expected, 0));
  }
  GradientTape tape({.persistent = true});
  const Tensor v = x.value();
  const Tensor y = sum(v["0:32"]) + sum(v["16:48"]) * 2 + sum(v["::-2"]) + sum(v[":, 3"]) + sum(v);
  std::vector<double> counts;
  for (int t = 0; t < 64; ++t)
    for (int c = 0; c < 8; ++c) counts.push_back((t < 32) + 2 * (t >= 16 && t < 48) + (t % 2 == 1) + (c == 3) + 1);
  CHECK(approx(tape.gradient(y, x), counts, 0));
  CHECK(approx(tape.gradient(y, x), counts, 0));
}

TEST_CASE("slices of slices of a view") {
  Variable x(arange(24.0));
  GradientTape tape;
  const Tensor m = transpose(reshape(x, {4, 6}));  // [6, 4], strided
  Tensor y(0.0);
  for (int i = 0; i < 6; ++i)
    for (int k = 0; k < 4; ++k) y = y + m[i][k] * (10.0 * i + k);
  std::vector<double> expected;
  for (int k = 0; k < 4; ++k)
    for (int i = 0; i < 6; ++i) expected.push_back(10.0 * i + k);
  CHECK(approx(tape.gradient(y, x), expected, 0));
}

TEST_CASE("weights shared over time accumulate inside the product") {
  constexpr int64_t kSteps = 300;
  const Shape shape{128, 128};
  random::Generator generator(5);
  Variable w(random::normal(shape, 0, 0.01, DType::float32, generator));
  const Tensor x = random::normal({4, 128}, 0, 1, DType::float32, generator);
  GradientTape tape;
  Tensor total(0.0f);
  for (int64_t t = 0; t < kSteps; ++t) total = total + sum(matmul(x, w));
  memory::reset_peak();
  const int64_t start = memory::stats().peak_bytes;
  const Tensor g = tape.gradient(total, w);
  CHECK(memory::stats().peak_bytes - start < 3 * 128 * 128 * 4);  // the sum, and as much in rows; not one matrix per step
  const std::vector<double> columns = sum(x, 0).to_vector<double>();
  CHECK(g[5][9].item<double>() == doctest::Approx(kSteps * columns[5]).epsilon(1e-4));
  CHECK(g[127][0].item<double>() == doctest::Approx(kSteps * columns[127]).epsilon(1e-4));
}

}  // namespace
}  // namespace gradus
