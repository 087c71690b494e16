// One run of a row of op_rows.h: in which dtype and shapes, as which views, on which values.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/autograd/op_rows.h"

namespace gradus::test {

inline bool varies(const Input& input) { return input.dtype == DType::float64; }
inline bool has_floating(const Row& row) { return std::any_of(row.inputs.begin(), row.inputs.end(), varies); }

inline std::vector<Shape> shapes_of(const Row& row) {
  std::vector<Shape> out;
  for (const Input& input : row.inputs) out.push_back(input.shape);
  return out;
}

/// The row's own shapes, and for pointwise rows every way to broadcast two of them, small, empty and long ones.
inline std::vector<std::vector<Shape>> all_shapes(const Row& row) {
  std::vector<std::vector<Shape>> out{shapes_of(row)};
  out.insert(out.end(), row.shapes.begin(), row.shapes.end());
  if (!row.pointwise) return out;
  const size_t n = row.inputs.size();
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{1, 1}, Shape{5}, Shape{0}, Shape{2, 0}}) out.emplace_back(n, shape);
  if (n < 2) return out;
  for (size_t k = 0; k < n; ++k) {
    for (const Shape& small : {Shape{3}, Shape{1, 3}, Shape{2, 1}, Shape{1, 1}, Shape{}, Shape{1, 1, 3}}) {
      out.emplace_back(n, Shape{2, 3});
      out.back()[k] = small;
    }
    out.emplace_back(n, Shape{0, 3});
    out.back()[k] = {1, 3};
    out.emplace_back(n, Shape{2, 1});
    out.back()[k] = {1, 3};
  }
  return out;
}

// Views

/// How the operation sees its arguments: as views of tensors of another shape, which is what derivatives are taken in.
struct View {
  std::string_view name;
  Shape (*base)(Shape shape);
  Tensor (*view)(const Tensor& base, const Shape& shape);
};

inline constexpr View kWhole{"contiguous", [](Shape shape) { return shape; }, [](const Tensor& x, const Shape&) { return x; }};
inline constexpr View kViews[] = {
    kWhole,
    {"transposed",
     [](Shape shape) {
       Shape out;
       for (int i = shape.ndim(); i-- > 0;) out.push_back(shape[i]);
       return out;
     },
     [](const Tensor& x, const Shape&) { return transpose(x); }},
    {"every second element",
     [](Shape shape) {
       for (int i = 0; i < shape.ndim(); ++i) shape[i] = 2 * shape[i] + 1;
       return shape;
     },
     [](const Tensor& x, const Shape&) { return x.slice(std::vector<Index>(static_cast<size_t>(x.ndim()), Slice(1, none, 2))); }},
    {"backwards", [](Shape shape) { return shape; }, [](const Tensor& x, const Shape&) { return flip(x); }},
    {"expanded",  // stride 0: several elements are one
     [](Shape shape) {
       if (shape.ndim() > 0 && shape[0] > 0) shape[0] = 1;
       return shape;
     },
     [](const Tensor& x, const Shape& shape) { return broadcast_to(x, shape); }},
};

// Drawing arguments

/// One run of a row: dtype, shapes and views, and the tensors drawn for them (always the same for the same row).
struct Trial {
  const Row& row;
  DType dtype;
  std::vector<Shape> shapes;
  const View& view = kWhole;
  std::vector<Tensor> bases = {};

  std::string text() const {
    std::string out = gradus::text(info(dtype).name, ", ", view.name);
    for (const Shape& s : shapes) out += gradus::text(" ", s);
    return out;
  }
  std::vector<Tensor> views(const std::vector<Tensor>& in) const {
    std::vector<Tensor> out;
    for (size_t k = 0; k < in.size(); ++k) out.push_back(view.view(in[k], shapes[k]));
    return out;
  }
  Tensor call(const std::vector<Tensor>& in) const { return row.call(views(in)); }

  /// False where the domain holds no value of the dtype.
  bool draw() {
    std::seed_seq seed(row.name.begin(), row.name.end());
    std::mt19937_64 bits(seed);
    const auto uniform = [&] { return static_cast<double>(bits() >> 11) * 0x1p-53; };
    for (size_t k = 0; k < shapes.size(); ++k) {
      const Input& input = row.inputs[k];
      const DType as = varies(input) ? dtype : input.dtype;
      const double least = as == DType::boolean || as == DType::uint8 ? 0 : input.low,
                   most = as == DType::boolean ? 1 : input.high;
      const double low = std::ceil(std::max(input.low, least)), high = std::floor(std::min(input.high, most));
      if (!is_floating(as) && low > high) return false;
      const Array values = build(view.base(shapes[k]), [&](const Shape&) {
        if (!is_floating(as)) return low + std::floor(uniform() * (high - low + 1));
        const double x = input.low + uniform() * (input.high - input.low);
        return row.polynomial ? std::round(x * 64) / 64 : x;  // so that differences with step 1 are exact
      });
      bases.push_back(Tensor(values.values, values.shape).astype(as));
    }
    return true;
  }
};

}  // namespace gradus::test
