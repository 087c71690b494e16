// Layouts, broadcasting, threads and aliasing of the pointwise loops: each element must have the bits that the function gives for
// it alone.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "tests/autograd/pointwise_rows.h"

namespace gradus {
namespace {

using detail::TensorImpl;
using kernels::Fn;
using kernels::pointwise;
using namespace test;

struct Operands {
  Fn fn;
  int count;
};

std::vector<Operands> all_functions() {
  std::vector<Operands> all;
  for (const Unary& row : kUnary) all.push_back({row.fn, 1});
  for (const Binary& row : kBinary) all.push_back({row.fn, 2});
  for (const Comparison& row : kComparisons) all.push_back({row.fn, 2});
  all.insert(all.end(), {{Fn::sigmoid_cross_entropy, 2}, {Fn::clip, 3}, {Fn::where, 3}});
  return all;
}

// One element of a tensor as a tensor.
Impl element(const TensorImpl& x, int64_t flat) { return TensorImpl::view(x, {}, {}, position(x, flat)); }

// `fn` on `in`, which broadcast to `shape`, must give each element the bits that it gives for the one-element operands.
void check_elements(Fn fn, const std::vector<Impl>& in, const Shape& shape, Layout out_layout = Layout::contiguous) {
  const bool compares = is_comparison(fn);
  const DType dtype = compares ? DType::boolean : in.back()->dtype;
  const Impl y = laid_out(shape, dtype, out_layout, [](int64_t) { return 1; });
  std::vector<const TensorImpl*> pointers;
  for (const Impl& x : in) pointers.push_back(x.get());
  pointwise(fn, *y, pointers);
  const Impl one = empty({}, dtype);
  for (int64_t i = 0; i < y->size; ++i) {
    std::vector<Impl> ones;
    for (const Impl& x : in) {
      Strides strides{};
      const int missing = shape.ndim() - x->ndim();
      for (int d = 0; d < x->ndim(); ++d) strides[static_cast<size_t>(d + missing)] = x->shape[d] == 1 ? 0 : x->stride(d);
      ones.push_back(element(*TensorImpl::view(*x, shape, strides, 0), i));
    }
    std::vector<const TensorImpl*> alone;
    for (const Impl& x : ones) alone.push_back(x.get());
    pointwise(fn, *one, alone);
    INFO("function " << static_cast<int>(fn) << " element " << i << " of " << text(shape) << " in " << info(dtype).name);
    REQUIRE(std::memcmp(element(*y, i)->data, one->data, static_cast<size_t>(size_of(dtype))) == 0);
  }
}

Impl operand(Fn fn, size_t k, const Shape& shape, DType dtype, Layout layout) {
  if (fn == Fn::where && k == 0) return laid_out(shape, DType::boolean, layout, [](int64_t i) { return i % 3 == 0; });
  return laid_out(shape, dtype, layout,
                  [k](int64_t i) { return std::sin(static_cast<double>(i + 1) * (1.1 + static_cast<double>(k))) * 5 + 0.5; });
}

TEST_CASE("every layout gives each element the same bits") {
  for (const auto& [fn, count] : all_functions())
    for (DType dtype : {DType::float32, DType::float64, DType::bfloat16})
      for (Layout layout : kLayouts)
        for (const Shape& shape : {Shape{37}, Shape{3, 19}}) {
          std::vector<Impl> in;
          for (int k = 0; k < count; ++k)
            in.push_back(operand(fn, static_cast<size_t>(k), shape, dtype, k == 1 ? Layout::gaps : layout));
          check_elements(fn, in, shape);
        }
}

TEST_CASE("broadcasting: scalars, rows, columns, absent and repeated dimensions") {
  const Shape out{2, 5, 11};
  const std::vector<Shape> shapes{{}, {1}, {11}, {5, 1}, {2, 1, 11}, {1, 5, 11}, {2, 5, 1}, {2, 1, 1}, out};
  for (Fn fn : {Fn::add, Fn::divide, Fn::less, Fn::pow, Fn::sigmoid_cross_entropy})
    for (DType dtype : {DType::float32, DType::float64, DType::float16})
      for (const Shape& a : shapes)
        for (const Shape& b : shapes)
          check_elements(fn, {operand(fn, 0, a, dtype, Layout::contiguous), operand(fn, 1, b, dtype, Layout::reversed)}, out);
  for (DType dtype : kAllDTypes)
    for (const Shape& shape : shapes)
      check_elements(Fn::where,
                     {operand(Fn::where, 0, shape, dtype, Layout::flipped), operand(Fn::where, 1, out, dtype, Layout::contiguous),
                      operand(Fn::where, 2, {5, 1}, dtype, Layout::contiguous)},
                     out);
}

TEST_CASE("long rows with a broadcast row, and outputs that are views") {
  for (DType dtype : {DType::float32, DType::int32, DType::bfloat16, DType::int64})
    for (Layout out : kLayouts) {
      check_elements(Fn::multiply,
                     {operand(Fn::multiply, 0, {3, 300}, dtype, Layout::contiguous),
                      operand(Fn::multiply, 1, {300}, dtype, Layout::contiguous)},
                     {3, 300}, out);
      check_elements(
          Fn::less,
          {operand(Fn::less, 0, {3, 300}, dtype, Layout::reversed), operand(Fn::less, 1, {3, 1}, dtype, Layout::contiguous)},
          {3, 300}, out);
    }
}

TEST_CASE("every length has its rest computed like the others") {
  for (Fn fn : {Fn::tanh, Fn::exp, Fn::log1p, Fn::sin})
    for (DType dtype : {DType::float32, DType::float64})
      for (int64_t n = 0; n <= 40; ++n) check_elements(fn, {operand(fn, 0, {n}, dtype, Layout::contiguous)}, {n});
}

TEST_CASE("eight dimensions, and dimensions of size one and zero") {
  check_elements(Fn::add,
                 {operand(Fn::add, 0, {2, 1, 3, 1, 2, 1, 2, 3}, DType::float32, Layout::reversed),
                  operand(Fn::add, 1, {3, 1, 1, 4, 1, 3}, DType::float32, Layout::contiguous)},
                 {2, 1, 3, 1, 2, 4, 2, 3});
  for (const Shape& shape : {Shape{0}, Shape{3, 0}, Shape{0, 4, 2}}) {
    const Impl x = operand(Fn::add, 0, shape, DType::float32, Layout::contiguous);
    const Impl y = apply(Fn::add, x, filled({}, DType::float32, [](int64_t) { return 1; }), shape, DType::float32);
    CHECK(y->size == 0);
  }
}

TEST_CASE("an output may be its first input") {
  for (DType dtype : {DType::float32, DType::float64, DType::float16, DType::int32})
    for (Layout layout : kLayouts) {
      const Impl x = operand(Fn::add, 0, {7, 70}, dtype, layout), b = operand(Fn::add, 1, {70}, dtype, Layout::contiguous);
      const Impl want = apply(Fn::add, x, b, x->shape, dtype);
      const TensorImpl* in[] = {x.get(), b.get()};
      pointwise(Fn::add, *x, in);
      CHECK((values(*x) == values(*want)));
    }
}

TEST_CASE("any number of threads gives the same bits") {
  const Shape shape{3, 70001};
  for (const Operands& row : all_functions())
    for (DType dtype : {DType::float32, DType::float16}) {
      const Fn fn = row.fn;
      std::vector<Impl> in;
      for (int k = 0; k < row.count; ++k)
        in.push_back(operand(fn, static_cast<size_t>(k), k == 1 ? Shape{70001} : shape, dtype,
                             k == 2 ? Layout::reversed : Layout::contiguous));
      const bool compares = is_comparison(fn);
      std::vector<const TensorImpl*> pointers;
      for (const Impl& x : in) pointers.push_back(x.get());
      const DType out = compares ? DType::boolean : dtype;
      const Impl one = empty(shape, out), many = empty(shape, out);
      {
        const Threads threads(1);
        pointwise(fn, *one, pointers);
      }
      const Threads threads(5);
      pointwise(fn, *many, pointers);
      INFO("function " << static_cast<int>(fn));
      CHECK(std::memcmp(one->data, many->data, static_cast<size_t>(one->size * size_of(out))) == 0);
    }
}

}  // namespace
}  // namespace gradus
