// Copies between all dtypes and layouts, element by element; fills; the loop planner underneath; the half conversions bit by bit.
#include "autograd/kernels/copy.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "autograd/kernels/loops.h"
#include "tests/autograd/kernel_layouts.h"

namespace gradus {
namespace {

using detail::TensorImpl;
using namespace test;

template <class T>
std::vector<T> special_values() {
  if constexpr (std::same_as<T, bool>) {
    return {false, true, true};
  } else if constexpr (std::integral<T>) {
    using Limits = std::numeric_limits<T>;
    return {0,
            1,
            2,
            77,
            127,
            128,
            200,
            255,
            static_cast<T>(-1),
            static_cast<T>(-5),
            Limits::min(),
            Limits::max(),
            static_cast<T>(Limits::max() - 7)};
  } else {
    std::vector<T> v;
    const double inf = std::numeric_limits<double>::infinity();
    for (double x : {0.0,
                     0.4,
                     0.5,
                     0.999,
                     1.0,
                     1.5,
                     2.5,
                     127.9,
                     254.99,
                     255.0,
                     256.0,
                     1e-30,
                     6e-8,
                     65504.0,
                     65520.0,
                     2147483520.0,
                     2147483647.0,
                     2147483648.0,
                     4e9,
                     9.2e18,
                     9223372036854774784.0,
                     9223372036854775808.0,
                     1e30,
                     1e300,
                     inf})
      for (double sign : {1.0, -1.0})
        if constexpr (std::floating_point<T>) v.push_back(static_cast<T>(sign * x));
        else v.push_back(T(static_cast<float>(sign * x)));
    v.push_back(static_cast<T>(std::numeric_limits<float>::quiet_NaN()));
    return v;
  }
}

// The documented conversion, through long double (exact for every element of every dtype where it has 64 bits of fraction).
template <class To, class From>
To converted(From from) {
  if constexpr (std::integral<From> && std::integral<To> && !std::same_as<To, bool>) {
    return static_cast<To>(from);  // modulo 2^bits
  } else {
    long double value;
    if constexpr (std::integral<From> || std::floating_point<From>) value = static_cast<long double>(from);
    else value = static_cast<long double>(static_cast<float>(from));
    if constexpr (std::same_as<To, bool>) {
      return value != 0;
    } else if constexpr (std::integral<To>) {
      if (std::isnan(value)) return 0;
      if (value >= static_cast<long double>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
      if (value <= static_cast<long double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
      return static_cast<To>(std::trunc(value));
    } else if constexpr (std::floating_point<To>) {
      return static_cast<To>(from);
    } else {
      return To(static_cast<float>(from));
    }
  }
}

template <class To>
bool same(To a, To b) {
  if constexpr (std::integral<To>) return a == b;
  else if (std::isnan(static_cast<double>(a)) || std::isnan(static_cast<double>(b)))
    return std::isnan(static_cast<double>(a)) && std::isnan(static_cast<double>(b));
  else return std::memcmp(&a, &b, sizeof a) == 0;
}

template <class From, class To>
void check_pair() {
  const std::vector<From> some = special_values<From>();
  for (int64_t n : {1, 13, 300}) {
    const Impl in = empty({n}, dtype_of<From>), out = empty({n}, dtype_of<To>);
    for (int64_t i = 0; i < n; ++i) in->as<From>()[i] = some[static_cast<size_t>(i) % some.size()];
    kernels::copy(*out, *in);
    const Impl gaps = laid_out({n}, dtype_of<To>, Layout::gaps, [](int64_t) { return 1; });
    kernels::copy(*gaps, *TensorImpl::view(*in, {n}, {-1}, n - 1));
    const Impl repeated = empty({n}, dtype_of<To>);
    kernels::copy(*repeated, *TensorImpl::view(*in, {}, {}, n - 1));
    for (int64_t i = 0; i < n; ++i) {
      INFO(std::string(info(dtype_of<From>).name)
           << " -> " << std::string(info(dtype_of<To>).name) << " element " << i << " of " << n);
      const From* p = in->as<From>();
      REQUIRE(same(out->as<To>()[i], converted<To>(p[i])));
      REQUIRE(same(gaps->as<To>()[position(*gaps, i)], converted<To>(p[n - 1 - i])));
      REQUIRE(same(repeated->as<To>()[i], converted<To>(p[n - 1])));
    }
  }
}

TEST_CASE("all pairs of dtypes: truncated, saturated, NaN to 0, anything but 0 is true") {
  for (DType from : kAllDTypes)
    for (DType to : kAllDTypes)
      visit_dtype(from, [&]<class From> { visit_dtype(to, [&]<class To> { check_pair<From, To>(); }); });
}

TEST_CASE("half conversions agree with the scalar types on every bit pattern") {
  constexpr int64_t kPatterns = 65536;
  for (DType half : {DType::float16, DType::bfloat16}) {
    const Impl in = empty({kPatterns}, half), wide = empty({kPatterns}, DType::float32), back = empty({kPatterns}, half);
    for (int64_t i = 0; i < kPatterns; ++i) in->as<uint16_t>()[i] = static_cast<uint16_t>(i);
    kernels::copy(*wide, *in);
    kernels::copy(*back, *wide);
    for (int64_t i = 0; i < kPatterns; ++i) {
      const float want = half == DType::float16 ? float{in->as<float16>()[i]} : float{in->as<bfloat16>()[i]},
                  got = wide->as<float>()[i];
      REQUIRE(same(got, want));
      if (std::isnan(want)) continue;
      REQUIRE(back->as<uint16_t>()[i] == in->as<uint16_t>()[i]);
    }
  }
}

TEST_CASE("rounding to half types: ties, neighbours of ties, overflow, subnormal numbers") {
  std::vector<float> x;
  for (uint32_t upper = 0; upper < 65536; upper += 3)
    for (uint32_t lower : {0u, 1u, 0x0fffu, 0x1000u, 0x1001u, 0x2fffu, 0x3000u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      x.push_back(std::bit_cast<float>(upper << 16 | lower));
  const auto n = static_cast<int64_t>(x.size());
  const Impl in = empty({n}, DType::float32);
  std::memcpy(in->data, x.data(), x.size() * sizeof(float));
  const Impl f16 = empty({n}, DType::float16), bf16 = empty({n}, DType::bfloat16);
  kernels::copy(*f16, *in);
  kernels::copy(*bf16, *in);
  for (int64_t i = 0; i < n; ++i) {
    const float value = x[static_cast<size_t>(i)];
    INFO(value);
    REQUIRE(same(f16->as<float16>()[i], float16(value)));
    REQUIRE(same(bf16->as<bfloat16>()[i], bfloat16(value)));
  }
}

// Layouts

// Elements that differ from their neighbours in every dtype but bool.
double element_value(int64_t i) { return static_cast<double>((i * 7 + i / 13) % 120); }

void check_copy(const Shape& shape, DType from, Layout in_layout, DType to, Layout out_layout) {
  const Impl in = laid_out(shape, from, in_layout, element_value),
             out = laid_out(shape, to, out_layout, [](int64_t) { return 0; });
  kernels::copy(*out, *in);
  INFO(text(shape) << " " << std::string(info(from).name) << " " << static_cast<int>(in_layout) << " -> "
                   << std::string(info(to).name) << " " << static_cast<int>(out_layout));
  std::vector<double> want = values(*in);
  if (to == DType::boolean)
    for (double& x : want) x = x != 0;
  REQUIRE((values(*out) == want));
}

TEST_CASE("all layouts, with and without conversion") {
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{0, 3}, Shape{50}, Shape{7, 9}, Shape{3, 33, 20}, Shape{2, 3, 4, 5, 2, 3}})
    for (Layout in : kLayouts)
      for (Layout out : kLayouts)
        for (DType to : {DType::float32, DType::float64, DType::bfloat16, DType::uint8})
          for (DType from : {DType::float32, to, DType::int64}) check_copy(shape, from, in, to, out);
}

TEST_CASE("transposed copies of every element size and awkward extents") {
  for (DType dtype : {DType::uint8, DType::float16, DType::float32, DType::float64})
    for (int64_t rows : {7, 8, 16, 17, 64, 65, 100})
      for (int64_t columns : {5, 8, 15, 32, 130}) {
        check_copy({rows, columns}, dtype, Layout::reversed, dtype, Layout::contiguous);
        check_copy({rows, columns}, dtype, Layout::contiguous, dtype, Layout::reversed);
      }
  // Exchanged inner dimensions below others, and a dense source dimension that is neither first nor last.
  for (int64_t axis : {0, 1, 2}) {
    const Impl base = filled({6, 20, 9, 17}, DType::int32, [](int64_t i) { return i; });
    Shape shape = base->shape;
    Strides strides = base->strides;
    std::swap(shape[static_cast<int>(axis)], shape[3]);
    std::swap(strides[static_cast<size_t>(axis)], strides[3]);
    const Impl in = TensorImpl::view(*base, shape, strides, 0), out = empty(shape, DType::int32);
    kernels::copy(*out, *in);
    CHECK((values(*out) == values(*in)));
  }
}

TEST_CASE("broadcast copies") {
  const Shape out_shape{4, 30, 25};
  for (DType dtype : {DType::uint8, DType::float32, DType::float64})
    for (const Shape& shape : {Shape{}, Shape{25}, Shape{30, 1}, Shape{4, 1, 25}, Shape{1, 30, 25}, Shape{4, 1, 1}}) {
      const Impl in = filled(shape, dtype, element_value), out = empty(out_shape, dtype);
      kernels::copy(*out, *in);
      const std::vector<double> got = values(*out), source = values(*in);
      const int missing = out_shape.ndim() - shape.ndim();
      for (int64_t i = 0; i < out->size; ++i) {
        const int64_t index[] = {i / (30 * 25), i / 25 % 30, i % 25};
        int64_t flat = 0;
        for (int d = 0; d < shape.ndim(); ++d) flat = flat * shape[d] + (shape[d] == 1 ? 0 : index[d + missing]);
        REQUIRE(got[static_cast<size_t>(i)] == source[static_cast<size_t>(flat)]);
      }
    }
}

TEST_CASE("any number of threads copies the same") {
  for (int threads : {1, 2, 5}) {
    const Threads scope(threads);
    check_copy({300, 500}, DType::float32, Layout::reversed, DType::float32, Layout::contiguous);
    check_copy({300, 500}, DType::float32, Layout::contiguous, DType::float32, Layout::contiguous);
    check_copy({300, 500}, DType::uint8, Layout::gaps, DType::float32, Layout::contiguous);
    check_copy({2, 300, 500}, DType::float64, Layout::contiguous, DType::float64, Layout::reversed);
  }
}

// Fills

TEST_CASE("fill converts its value and writes every element, and nothing else") {
  for (DType dtype : kAllDTypes)
    for (Layout layout : kLayouts)
      for (double value : {0.0, 1.0, 3.0}) {
        const Impl x = laid_out({5, 40}, dtype, layout, [](int64_t) { return 1; });
        kernels::fill(*x, value);
        const double want = dtype == DType::boolean ? value != 0 : value;
        for (double got : values(*x)) REQUIRE(got == want);
        if (layout == Layout::gaps && dtype != DType::boolean) {  // the element after the first is a gap
          visit_dtype(dtype, [&]<class T> { REQUIRE(static_cast<double>(x->as<T>()[1]) == 77); });
        }
      }
  const Impl big = empty({3}, DType::int64), small = empty({2}, DType::uint8), half = empty({1}, DType::float16);
  kernels::fill(*big, std::numeric_limits<int64_t>::max() - 1);
  CHECK(big->as<int64_t>()[2] == std::numeric_limits<int64_t>::max() - 1);
  kernels::fill(*small, 1e9);
  CHECK(small->as<uint8_t>()[1] == 255);
  kernels::fill(*small, std::numeric_limits<double>::quiet_NaN());
  CHECK(small->as<uint8_t>()[0] == 0);
  kernels::fill(*half, 0.1);
  CHECK(half->as<uint16_t>()[0] == 0x2e66);
  const Impl many = empty({200000}, DType::float64);
  kernels::fill(*many, 2.5);
  for (int64_t i = 0; i < many->size; ++i) REQUIRE(many->as<double>()[i] == 2.5);
}

TEST_CASE("fill_range") {
  const Impl x = empty({100000}, DType::float32), n = empty({5}, DType::int64), u = empty({4}, DType::uint8);
  kernels::fill_range(*x, -1.0, 0.001);
  for (int64_t i = 0; i < x->size; ++i) REQUIRE(x->as<float>()[i] == static_cast<float>(-1.0 + static_cast<double>(i) * 0.001));
  kernels::fill_range(*n, int64_t{9007199254740993}, int64_t{-3});  // beyond the integers of double
  CHECK(n->as<int64_t>()[4] == 9007199254740981);
  kernels::fill_range(*u, 253.0, 1.0);
  CHECK((values(*u) == std::vector<double>{253, 254, 255, 255}));
}

// The planner

TEST_CASE("loops merge what can be walked as one") {
  const Impl a = empty({4, 5, 6}, DType::float32),
             reversed = laid_out({4, 5, 6}, DType::float32, Layout::reversed, element_value);
  const Impl row = empty({6}, DType::float32), flipped = laid_out({4, 5, 6}, DType::float32, Layout::flipped, element_value);
  using kernels::broadcast;
  using kernels::Loop;
  CHECK(Loop<1>(a->shape, {broadcast(*a, a->shape)}).ndim() == 1);
  CHECK(Loop<1>(a->shape, {broadcast(*reversed, a->shape)}).ndim() == 1);
  CHECK(Loop<1>(a->shape, {broadcast(*flipped, a->shape)}).ndim() == 1);
  CHECK(Loop<2>(a->shape, {broadcast(*a, a->shape), broadcast(*reversed, a->shape)}).ndim() == 3);
  const Loop<2> rows(a->shape, {broadcast(*a, a->shape), broadcast(*row, a->shape)});
  CHECK(rows.ndim() == 2);
  CHECK(rows.size(0) == 6);
  CHECK(rows.steps(1)[1] == 0);
  CHECK(Loop<1>(a->shape, {broadcast(*reversed, a->shape)}, kernels::LoopOrder::row_major).ndim() == 3);
  CHECK(Loop<1>({}, {broadcast(*empty({}, DType::float32), {})}).total() == 1);
  CHECK(Loop<1>({3, 0}, {broadcast(*empty({3, 0}, DType::float32), {3, 0})}).total() == 0);
}

TEST_CASE("loops visit every element once, wherever they are cut") {
  const Shape shape{3, 1, 4, 5};
  const Impl x = laid_out(shape, DType::int32, Layout::gaps, [](int64_t i) { return i; });
  const Impl y = laid_out({4, 1}, DType::int32, Layout::flipped, [](int64_t i) { return 100 * i; });
  for (auto order : {kernels::LoopOrder::by_stride, kernels::LoopOrder::row_major}) {
    const kernels::Loop<2> loop(shape, {kernels::broadcast(*x, shape), kernels::broadcast(*y, shape)}, order);
    for (int64_t cut = 0; cut <= 60; ++cut) {
      std::vector<int32_t> seen;
      const auto visit = [&](const auto& p, const auto& steps, int64_t n) {
        for (int64_t i = 0; i < n; ++i) {
          const int32_t value = *reinterpret_cast<const int32_t*>(p[0] + i * steps[0]);
          REQUIRE(*reinterpret_cast<const int32_t*>(p[1] + i * steps[1]) == value / 5 % 4 * 100);
          seen.push_back(value);
        }
      };
      loop.walk(0, cut, visit);
      loop.walk(cut, 60, visit);
      REQUIRE(seen.size() == 60);
      for (int32_t i = 0; i < 60; ++i) REQUIRE(seen[static_cast<size_t>(i)] == i);
    }
  }
}

TEST_CASE("parallel_for covers its range once and carries exceptions out") {
  for (int threads : {1, 3}) {
    const Threads scope(threads);
    for (int64_t n : {0, 1, 100, 101, 4096}) {
      std::vector<int> hits(static_cast<size_t>(n), 0);
      parallel_for(n, 10, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
      });
      CHECK((hits == std::vector<int>(static_cast<size_t>(n), 1)));
    }
    CHECK_THROWS_AS(parallel_for(1000, 1,
                                 [](int64_t, int64_t end) {
                                   if (end == 1000) fail<ValueError>("test", "thrown in a part");
                                 }),
                    ValueError);
    // Inside a part, a loop runs where it is.
    std::vector<int> inner(2000, 0);
    parallel_for(2, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        parallel_for(1000, 1, [&](int64_t from, int64_t to) {
          for (int64_t j = from; j < to; ++j) ++inner[static_cast<size_t>(i * 1000 + j)];
        });
    });
    CHECK((inner == std::vector<int>(2000, 1)));
  }
}

}  // namespace
}  // namespace gradus
