#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "autograd/kernels/index.h"
#include "tests/autograd/kernel_layouts.h"

namespace gradus::test {
namespace {

using detail::TensorImpl;

// Exact in every dtype but bool and, where negative, uint8.
double number(int64_t i) { return static_cast<double>((i * 37 + 11) % 127); }
double small(int64_t i) { return static_cast<double>((i * 5 + 1) % 4); }

/// in[outer, row, inner] of the three ranges that `axis` cuts a shape into.
struct Cut {
  int64_t outer = 1, rows, inner = 1;
  Cut(const Shape& shape, int axis) : rows(shape[axis]) {
    for (int d = 0; d < axis; ++d) outer *= shape[d];
    for (int d = axis + 1; d < shape.ndim(); ++d) inner *= shape[d];
  }
  size_t at(int64_t o, int64_t r, int64_t i) const { return static_cast<size_t>((o * rows + r) * inner + i); }
};

Impl indices_of(const Shape& shape, Layout layout, int64_t size) {
  return laid_out(shape, DType::int64, layout, [&](int64_t i) { return static_cast<double>((i * i + 3 * i) % size); });
}

Shape taken_shape(const Shape& in, const Shape& indices, int axis) {
  Shape out;
  for (int d = 0; d < axis; ++d) out.push_back(in[d]);
  for (int64_t d : indices) out.push_back(d);
  for (int d = axis + 1; d < in.ndim(); ++d) out.push_back(in[d]);
  return out;
}

double rounded_to(DType dtype, double x) {
  return values(*filled({1}, dtype, [&](int64_t) { return x; }))[0];
}

void check_take(DType dtype, const Shape& shape, const Shape& index_shape, int axis, Layout layout, Layout index_layout) {
  CAPTURE(info(dtype).name);
  CAPTURE(text(shape, " by ", index_shape, " along ", axis));
  CAPTURE(static_cast<int>(layout));
  const Impl in = laid_out(shape, dtype, layout, number), indices = indices_of(index_shape, index_layout, shape[axis]);
  const Impl out = empty(taken_shape(shape, index_shape, axis), dtype);
  kernels::take(*out, *in, *indices, axis);
  const std::vector<double> x = values(*in), index = values(*indices), y = values(*out);
  const Cut from(shape, axis);
  std::vector<double> expected;
  for (int64_t o = 0; o < from.outer; ++o)
    for (double k : index)
      for (int64_t i = 0; i < from.inner; ++i) expected.push_back(x[from.at(o, static_cast<int64_t>(k), i)]);
  CHECK(y == expected);

  const Impl grad = laid_out(out->shape, dtype, layout, small), sum = filled(shape, dtype, small);
  const Impl most = filled(shape, dtype, small);
  std::vector<double> total = values(*sum), largest = total;
  const std::vector<double> g = values(*grad);
  size_t next = 0;
  for (int64_t o = 0; o < from.outer; ++o) {
    for (double k : index) {
      for (int64_t i = 0; i < from.inner; ++i) {
        double& t = total[from.at(o, static_cast<int64_t>(k), i)];
        t = dtype == DType::boolean ? std::max(t, g[next]) : t + g[next];
        double& l = largest[from.at(o, static_cast<int64_t>(k), i)];
        l = std::max(l, g[next]);
        ++next;
      }
    }
  }
  kernels::take_add(*sum, *grad, *indices, axis);
  CHECK(values(*sum) == total);
  kernels::take_max(*most, *grad, *indices, axis);
  CHECK(values(*most) == largest);
}

void check_gather(DType dtype, const Shape& shape, int64_t length, int axis, Layout layout, Layout index_layout) {
  CAPTURE(info(dtype).name);
  CAPTURE(text(shape, ", ", length, " along ", axis));
  Shape index_shape = shape;
  index_shape[axis] = length;
  const Impl in = laid_out(shape, dtype, layout, number), indices = indices_of(index_shape, index_layout, shape[axis]);
  const Impl out = empty(index_shape, dtype);
  kernels::gather(*out, *in, *indices, axis);
  const std::vector<double> x = values(*in), index = values(*indices);
  const Cut from(shape, axis), to(index_shape, axis);
  std::vector<double> expected(index.size());
  for (int64_t o = 0; o < to.outer; ++o)
    for (int64_t r = 0; r < to.rows; ++r)
      for (int64_t i = 0; i < to.inner; ++i)
        expected[to.at(o, r, i)] = x[from.at(o, static_cast<int64_t>(index[to.at(o, r, i)]), i)];
  CHECK(values(*out) == expected);

  const Impl grad = laid_out(index_shape, dtype, layout, small), sum = filled(shape, dtype, small);
  const Impl written = filled(shape, dtype, small);
  std::vector<double> total = values(*sum), last = total;
  const std::vector<double> g = values(*grad);
  for (int64_t o = 0; o < to.outer; ++o) {
    for (int64_t r = 0; r < to.rows; ++r) {
      for (int64_t i = 0; i < to.inner; ++i) {
        double& t = total[from.at(o, static_cast<int64_t>(index[to.at(o, r, i)]), i)];
        t = dtype == DType::boolean ? std::max(t, g[to.at(o, r, i)]) : t + g[to.at(o, r, i)];
        last[from.at(o, static_cast<int64_t>(index[to.at(o, r, i)]), i)] = g[to.at(o, r, i)];
      }
    }
  }
  kernels::gather_add(*sum, *grad, *indices, axis);
  CHECK(values(*sum) == total);
  kernels::scatter(*written, *grad, *indices, axis);
  CHECK(values(*written) == last);
}

}  // namespace

TEST_CASE("wrap_indices: wraps, and finds the first bad one") {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min(), kMost = std::numeric_limits<int64_t>::max();
  const Impl out = empty({4}, DType::int64), in = empty({4}, DType::int64);
  struct Case {
    std::array<int64_t, 4> given;
    bool negative;
    int64_t bad;
  };
  for (const Case& c : {Case{{0, 4, 2, 0}, true, -1}, Case{{0, -1, -5, 4}, true, -1}, Case{{0, -1, 2, 0}, false, 1},
                        Case{{0, 1, 5, 6}, true, 2}, Case{{-6, 1, 5, 6}, true, 0}, Case{{0, 1, 2, kLeast}, true, 3},
                        Case{{0, 1, 2, kMost}, true, 3}, Case{{0, 1, kLeast, 2}, false, 2}}) {
    std::copy(c.given.begin(), c.given.end(), in->as<int64_t>());
    CHECK(kernels::wrap_indices(*out, *in, 5, c.negative) == c.bad);
    if (c.bad < 0)
      for (size_t i = 0; i < 4; ++i) CHECK(out->as<int64_t>()[i] == (c.given[i] + 5) % 5);
  }
  for (DType dtype : {DType::boolean, DType::uint8, DType::int32, DType::int64}) {
    for (Layout layout : kLayouts) {
      const Impl x = laid_out({3, 4}, dtype, layout, [](int64_t i) { return static_cast<double>(i * i % 7); });
      const Impl y = empty({3, 4}, DType::int64);
      CHECK(kernels::wrap_indices(*y, *x, 7, true) == -1);
      CHECK(values(*y) == values(*x));
      if (dtype != DType::boolean) CHECK(kernels::wrap_indices(*y, *x, 4, true) == 2);  // 0, 1, 4
    }
  }
  const Impl signed_index = laid_out({2, 2}, DType::int32, Layout::reversed, [](int64_t i) { return i == 2 ? -9.0 : -1.0; });
  CHECK(kernels::wrap_indices(*empty({2, 2}, DType::int64), *signed_index, 8, true) == 2);
  CHECK(kernels::wrap_indices(*empty({0}, DType::int64), *empty({0}, DType::uint8), 0, true) == -1);
  CHECK(kernels::wrap_indices(*empty({1}, DType::int64), *filled({1}, DType::int64, [](int64_t) { return 0; }), 0, true) == 0);
}

TEST_CASE("take, take_add and take_max: all dtypes, layouts and axes") {
  for (DType dtype : kAllDTypes) {
    for (Layout layout : kLayouts) {
      for (int axis : {0, 1, 2}) check_take(dtype, {3, 4, 5}, {6}, axis, layout, Layout::contiguous);
      check_take(dtype, {7}, {2, 3}, 0, layout, layout);
    }
  }
  for (Layout layout : kLayouts) {
    for (int axis : {0, 1}) {
      check_take(DType::float32, {4, 5}, {3, 2}, axis, layout, layout);
      check_take(DType::float32, {4, 5}, {}, axis, layout, layout);
      check_take(DType::float64, {1, 1}, {3}, axis, layout, layout);
      check_take(DType::float32, {3, 4, 2, 3}, {5}, axis, layout, layout);
      check_take(DType::float32, {3, 300}, {40}, axis, layout, layout);
    }
  }
}

TEST_CASE("gather, gather_add and scatter: all dtypes, layouts and axes") {
  for (DType dtype : kAllDTypes)
    for (Layout layout : kLayouts)
      for (int axis : {0, 1, 2})
        for (int64_t length : {1, 3, 7}) check_gather(dtype, {3, 4, 5}, length, axis, layout, layout);
  check_gather(DType::float32, {1000}, 3000, 0, Layout::contiguous, Layout::contiguous);
  check_gather(DType::float32, {2, 1000}, 3, 0, Layout::reversed, Layout::contiguous);
}

TEST_CASE("index: empty shapes") {
  const Impl none = empty({0}, DType::int64), in = filled({3, 4}, DType::float32, number);
  kernels::take(*empty({0, 4}, DType::float32), *in, *none, 0);
  kernels::take(*empty({3, 0}, DType::float32), *in, *none, 1);
  kernels::take(*empty({2, 0}, DType::float32), *empty({3, 0}, DType::float32), *filled({2}, DType::int64, small), 0);
  kernels::take(*empty({0}, DType::float32), *empty({0}, DType::float32), *none, 0);
  const std::vector<double> before = values(*in);
  kernels::take_add(*in, *empty({0, 4}, DType::float32), *none, 0);
  kernels::gather(*empty({0, 4}, DType::float32), *in, *empty({0, 4}, DType::int64), 0);
  kernels::gather_add(*in, *empty({0, 4}, DType::float32), *empty({0, 4}, DType::int64), 0);
  kernels::scatter(*in, *empty({0, 4}, DType::float32), *empty({0, 4}, DType::int64), 0);
  kernels::take_max(*in, *empty({0, 4}, DType::float32), *none, 0);
  CHECK(values(*in) == before);
  CHECK((kernels::nonzero(*empty({3, 0}, DType::float32))->shape == Shape{0, 2}));
  kernels::one_hot(*empty({0, 5}, DType::float32), *none);
  kernels::one_hot(*empty({3, 0}, DType::float32), *filled({3}, DType::int64, small));
}

TEST_CASE("take: repeated rows (zero strides)") {
  const Impl row = filled({4}, DType::float32, number);
  const Impl in = TensorImpl::view(*row, {3, 4}, {0, 1}, 0),
             index = TensorImpl::view(*filled({1}, DType::int64, [](int64_t) { return 2; }), {5}, {0}, 0);
  const Impl out = empty({5, 4}, DType::float32), columns = empty({3, 5}, DType::float32);
  kernels::take(*out, *in, *index, 0);
  kernels::take(*columns, *in, *index, 1);
  for (int64_t i = 0; i < 20; ++i) CHECK(out->as<float>()[i] == row->as<float>()[i % 4]);
  for (int64_t i = 0; i < 15; ++i) CHECK(columns->as<float>()[i] == row->as<float>()[2]);
  const Impl grad = TensorImpl::view(*filled({1}, DType::float32, [](int64_t) { return 0.5; }), {5, 4}, {0, 0}, 0);
  const Impl sum = filled({3, 4}, DType::float32, [](int64_t) { return 0; });
  kernels::take_add(*sum, *grad, *index, 0);
  for (int64_t i = 0; i < 12; ++i) CHECK(sum->as<float>()[i] == (i >= 8 ? 2.5f : 0.0f));
}

TEST_CASE("take_add and gather_add: half types are rounded once") {
  const Impl index = filled({4000}, DType::int64, [](int64_t) { return 0; });
  for (DType dtype : {DType::float16, DType::bfloat16}) {
    const Impl ones = filled({4000}, dtype, [](int64_t) { return 1; });
    const Impl a = filled({1}, dtype, [](int64_t) { return 0; }), b = filled({1}, dtype, [](int64_t) { return 0; });
    kernels::take_add(*a, *ones, *index, 0);
    kernels::gather_add(*b, *ones, *index, 0);
    CHECK(values(*a)[0] == rounded_to(dtype, 4000));  // one by one the sum would stop at 2048 or 256
    CHECK(values(*b)[0] == rounded_to(dtype, 4000));
  }
}

TEST_CASE("one_hot: all dtypes and layouts of the indices") {
  for (DType dtype : kAllDTypes) {
    for (Layout layout : kLayouts) {
      const Impl index = indices_of({2, 3}, layout, 5), out = filled({2, 3, 5}, dtype, small);
      kernels::one_hot(*out, *index);
      const std::vector<double> k = values(*index), y = values(*out);
      for (size_t i = 0; i < 30; ++i) CHECK(y[i] == (static_cast<double>(i % 5) == k[i / 5] ? 1 : 0));
    }
  }
}

TEST_CASE("nonzero: all dtypes and layouts, and blocks with and without anything") {
  for (DType dtype : kAllDTypes) {
    for (Layout layout : kLayouts) {
      const Impl x = laid_out({3, 4}, dtype, layout, small), at = kernels::nonzero(*x);
      const std::vector<double> v = values(*x);
      std::vector<double> expected;
      for (size_t i = 0; i < 12; ++i)
        if (v[i] != 0) expected.insert(expected.end(), {static_cast<double>(i / 4), static_cast<double>(i % 4)});
      CHECK(values(*at) == expected);
    }
  }
  const Impl nan = filled({1}, DType::float32, [](int64_t) { return std::nan(""); });
  CHECK((kernels::nonzero(*nan)->shape == Shape{1, 1}));
  const Impl sparse = filled({200000}, DType::uint8, [](int64_t i) { return i % 70000 == 69999 || i == 0; });
  CHECK((values(*kernels::nonzero(*sparse)) == std::vector<double>{0, 69999, 139999}));
}

TEST_CASE("index: the same for any number of threads") {
  const Impl in = filled({500, 300}, DType::float32, [](int64_t i) { return std::sin(static_cast<double>(i)); });
  const Impl index = indices_of({700}, Layout::contiguous, 500), column = indices_of({700}, Layout::contiguous, 300);
  const Impl wide = indices_of({400, 300}, Layout::contiguous, 500);
  std::vector<std::vector<double>> first;
  for (int threads : {1, 2, 3}) {
    const Threads set(threads);
    const Impl rows = empty({700, 300}, DType::float32), columns = empty({500, 700}, DType::float32);
    const Impl gathered = empty({400, 300}, DType::float32), hot = empty({700, 500}, DType::float32);
    const Impl a = filled({500, 300}, DType::float32, number), b = filled({500, 300}, DType::float32, number);
    const Impl c = filled({500, 300}, DType::float32, number);
    kernels::take(*rows, *in, *index, 0);
    kernels::take(*columns, *in, *column, 1);
    kernels::gather(*gathered, *in, *wide, 0);
    kernels::one_hot(*hot, *index);
    kernels::take_add(*a, *rows, *index, 0);
    kernels::take_add(*b, *columns, *column, 1);
    kernels::gather_add(*c, *gathered, *wide, 0);
    const Impl d = filled({500, 300}, DType::float32, number), e = filled({500, 300}, DType::float32, number);
    kernels::scatter(*d, *gathered, *wide, 0);
    kernels::take_max(*e, *columns, *column, 1);
    std::vector<std::vector<double>> all;
    for (const Impl& x : {rows, columns, gathered, hot, a, b, c, d, e, kernels::nonzero(*hot)}) all.push_back(values(*x));
    if (threads == 1) first = all;
    else CHECK((all == first));
  }
  for (int64_t i = 0; i < 700; ++i)
    REQUIRE(first[0][static_cast<size_t>(i * 300)] == in->as<float>()[index->as<int64_t>()[i] * 300]);
}

}  // namespace gradus::test
