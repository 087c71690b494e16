// Naive mathematics on arrays of doubles, for holding operations against: loops over indices, nothing else.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "autograd/base/shape.h"

namespace gradus::test {

/// A row-major array. An index is a Shape that holds positions.
struct Array {
  Shape shape = {};
  std::vector<double> values = {};

  int64_t size() const { return static_cast<int64_t>(values.size()); }
  size_t position(const Shape& index) const {
    int64_t at = 0;
    for (int i = 0; i < shape.ndim(); ++i) at = at * shape[i] + index[i];
    return static_cast<size_t>(at);
  }
  double operator()(const Shape& index) const { return values.at(position(index)); }
  /// The element that stands at `index` once this array is broadcast to the index' rank.
  double broadcast(const Shape& index) const {
    Shape own;
    for (int i = 0; i < shape.ndim(); ++i) own.push_back(shape[i] == 1 ? 0 : index[index.ndim() - shape.ndim() + i]);
    return (*this)(own);
  }
};
using Arrays = std::vector<Array>;
using Reference = std::function<Array(const Arrays&)>;

/// f(index) for every index of `shape`, in row-major order.
template <class F>
void for_each_index(const Shape& shape, const F& f) {
  for (const int64_t d : shape)
    if (d == 0) return;
  Shape index = Shape::filled(shape.ndim(), 0);
  while (true) {
    f(std::as_const(index));
    int axis = shape.ndim() - 1;
    while (axis >= 0 && ++index[axis] == shape[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}

/// The array of this shape whose element at each index is f(index).
template <class F>
Array build(const Shape& shape, const F& f) {
  Array out{shape};
  for_each_index(shape, [&](const Shape& index) { out.values.push_back(f(index)); });
  return out;
}

inline Shape broadcast_shape(const Arrays& arrays) {
  Shape out;
  for (const Array& a : arrays) {
    if (a.shape.ndim() > out.ndim()) {
      Shape wide = Shape::filled(a.shape.ndim(), 1);
      for (int i = 0; i < out.ndim(); ++i) wide[wide.ndim() - out.ndim() + i] = out[i];
      out = wide;
    }
    for (int i = 0; i < a.shape.ndim(); ++i)
      if (int64_t& d = out[out.ndim() - a.shape.ndim() + i]; d == 1) d = a.shape[i];
  }
  return out;
}

/// f of one, two or three doubles, element by element, broadcast.
template <class F>
Reference elementwise(F f) {
  return [f](const Arrays& in) {
    return build(broadcast_shape(in), [&](const Shape& at) -> double {
      if constexpr (std::is_invocable_v<F, double>) return f(in[0].broadcast(at));
      else if constexpr (std::is_invocable_v<F, double, double>) return f(in[0].broadcast(at), in[1].broadcast(at));
      else return f(in[0].broadcast(at), in[1].broadcast(at), in[2].broadcast(at));
    });
  };
}

/// fold(elements) over these axes (all when there are none), dropped or kept with size 1.
template <class F>
Reference reduction(F fold, std::vector<int> axes, bool keepdims = false) {
  return [fold, axes, keepdims](const Arrays& in) {
    const Array& x = in[0];
    const auto reduced = [&](int axis) { return axes.empty() || std::find(axes.begin(), axes.end(), axis) != axes.end(); };
    const auto project = [&](const Shape& full, int64_t in_place) {
      Shape out;
      for (int i = 0; i < x.shape.ndim(); ++i)
        if (!reduced(i)) out.push_back(full[i]);
        else if (keepdims) out.push_back(in_place);
      return out;
    };
    const Shape shape = project(x.shape, 1);
    std::vector<std::vector<double>> groups(static_cast<size_t>(numel("reference", shape)));
    const Array layout{shape};
    for_each_index(x.shape, [&](const Shape& at) { groups[layout.position(project(at, 0))].push_back(x(at)); });
    Array out{shape};
    for (const auto& group : groups) out.values.push_back(fold(group));
    return out;
  };
}

/// f(vector) -> vector along the last axis.
template <class F>
Array along_last_axis(const Array& x, const F& f) {
  Array out{x.shape};
  const size_t n = static_cast<size_t>(x.shape.back());
  for (size_t row = 0; n > 0 && row < x.values.size(); row += n) {
    const std::vector<double> y = f(
        std::vector<double>(x.values.begin() + static_cast<ptrdiff_t>(row), x.values.begin() + static_cast<ptrdiff_t>(row + n)));
    out.values.insert(out.values.end(), y.begin(), y.end());
  }
  return out;
}

/// y[i...] = x[i... in this order of axes]: axis k of the result is axis order[k] of x.
inline Array permuted(const Array& x, const Shape& order) {
  Shape shape;
  for (const int64_t axis : order) shape.push_back(x.shape[static_cast<int>(axis)]);
  return build(shape, [&](const Shape& at) {
    Shape from = at;
    for (int i = 0; i < order.ndim(); ++i) from[static_cast<int>(order[i])] = at[i];
    return x(from);
  });
}

/// Einstein's sum over every letter that the output does not name, straight from the definition.
inline Reference einstein(std::vector<std::string> inputs, std::string output) {
  return [inputs, output](const Arrays& in) {
    std::map<char, int64_t> sizes;
    std::string letters = output;
    for (size_t k = 0; k < in.size(); ++k)
      for (int i = 0; i < in[k].shape.ndim(); ++i) {
        const char letter = inputs[k][static_cast<size_t>(i)];
        sizes[letter] = in[k].shape[i];
        if (letters.find(letter) == std::string::npos) letters += letter;
      }
    const auto pick = [&](const std::string& wanted, const Shape& all) {
      Shape at;
      for (const char c : wanted) at.push_back(all[static_cast<int>(letters.find(c))]);
      return at;
    };
    Shape everything, shape;
    for (const char c : letters) everything.push_back(sizes[c]);
    for (const char c : output) shape.push_back(sizes[c]);
    Array out = build(shape, [](const Shape&) { return 0.0; });
    for_each_index(everything, [&](const Shape& at) {
      double product = 1;
      for (size_t k = 0; k < in.size(); ++k) product *= in[k](pick(inputs[k], at));
      out.values[out.position(pick(output, at))] += product;
    });
    return out;
  };
}

}  // namespace gradus::test
