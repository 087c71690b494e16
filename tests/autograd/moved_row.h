// Rows of functions that only move elements about.
#pragma once

#include <optional>

#include "tests/autograd/op_rows.h"

namespace gradus::test {

inline constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

/// The shape of the result, given that of x.
using Sized = std::function<Shape(const Shape& x)>;
/// Where the element at `at` of the result comes from; nowhere: it is the row's filler.
using From = std::function<std::optional<Shape>(Shape at, const Shape& x)>;

inline Row moved(std::string name, Shape shape, std::function<Tensor(const Tensor&)> f, Sized sized, From from,
                 std::vector<Shape> more = {}, double filler = 0) {
  Row row{.name = std::move(name), .inputs = {{.shape = shape}}};
  for (const Shape& s : more) row.shapes.push_back({s});
  row.call = [f = std::move(f)](const std::vector<Tensor>& in) { return f(in[0]); };
  row.reference = [=](const Arrays& in) {
    return build(sized(in[0].shape), [&](const Shape& at) {
      const std::optional<Shape> source = from(at, in[0].shape);
      return source ? in[0](*source) : filler;
    });
  };
  row.polynomial = true;
  row.result = kept;
  row.ulps = 0;
  return row;
}

inline Shape same(const Shape& x) { return x; }

/// Parts of rearrange_rows.
std::vector<Row> axis_rows();
std::vector<Row> diagonal_rows();

}  // namespace gradus::test
