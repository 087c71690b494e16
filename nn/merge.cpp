#include "nn/merge.h"

#include <array>
#include <optional>

#include "autograd/ops.h"

namespace gradus::nn {
namespace {

struct Known {
  std::string_view type;
  Tensor (*pair)(const Operand&, const Operand&);  // null: not pointwise
};

// In the order of MergeKind.
constexpr std::array<Known, 8> kKinds{{{"Add", gradus::add},
                                       {"Subtract", gradus::subtract},
                                       {"Multiply", gradus::multiply},
                                       {"Average", gradus::add},
                                       {"Maximum", gradus::maximum},
                                       {"Minimum", gradus::minimum},
                                       {"Concatenate", nullptr},
                                       {"Dot", nullptr}}};

// Sizes that are not known (-1) fit any other.
std::optional<int64_t> joined_size(int64_t a, int64_t b) {
  if (a == b || b == 1) return a;
  if (a == 1 || a < 0) return b;
  if (b < 0) return a;
  return std::nullopt;
}

Shape broadcast(std::string_view type, const Shape& a, const Shape& b) {
  const int rank = std::max(a.ndim(), b.ndim());
  Shape out = Shape::filled(rank, 1);
  for (int i = 1; i <= rank; ++i) {
    const auto size = joined_size(i <= a.ndim() ? a[a.ndim() - i] : 1, i <= b.ndim() ? b[b.ndim() - i] : 1);
    if (!size) fail<ShapeError>(type, "inputs do not fit together; got ", a, " and ", b, ", expected shapes that broadcast");
    out[rank - i] = *size;
  }
  return out;
}

Shape joined(std::string_view type, int64_t axis, const std::vector<Shape>& inputs) {
  Shape out = inputs[0];
  const int at = normalize_axis(type, axis, out.ndim());
  for (size_t k = 1; k < inputs.size(); ++k) {
    const Shape& next = inputs[k];
    bool fits = next.ndim() == out.ndim();
    for (int i = 0; fits && i < out.ndim(); ++i) {
      if (i == at) out[i] = out[i] < 0 || next[i] < 0 ? -1 : out[i] + next[i];
      else if (out[i] < 0) out[i] = next[i];
      else fits = next[i] < 0 || out[i] == next[i];
    }
    if (!fits)
      fail<ShapeError>(type, "inputs do not fit together; got ", inputs[0], " and ", next,
                       ", expected the same sizes but on axis ", axis);
  }
  return out;
}

/// `shape` without the axis that dot sums over, and without the samples' axis.
Shape kept(const Shape& shape, int summed) {
  Shape out;
  for (int i = 1; i < shape.ndim(); ++i)
    if (i != summed) out.push_back(shape[i]);
  return out;
}

int summed_axis(std::string_view type, int64_t axis, const Shape& shape) {
  if (shape.ndim() < 2) fail<ShapeError>(type, "input of too low rank; got ", shape, ", expected [samples, ..., width]");
  const int at = normalize_axis(type, axis, shape.ndim());
  if (at == 0) fail<ValueError>(type, "axis out of range; got the samples' axis 0, expected another");
  return at;
}

Tensor dot_of(std::string_view type, const Tensor& a, const Tensor& b, const MergeOptions& options, const Shape& out) {
  const auto rows = [&](const Tensor& x) {  // [n, product of the other axes, summed]
    const Tensor last = moveaxis(x, summed_axis(type, options.axis, x.shape()), -1);
    int64_t others = 1;
    for (int i = 1; i + 1 < last.ndim(); ++i) others *= last.shape()[i];
    const Tensor flat = reshape(last, {last.shape()[0], others, last.shape().back()});
    return options.normalize ? normalize(flat) : flat;
  };
  Shape shape = out;
  shape[0] = a.shape()[0];
  return reshape(matmul(rows(a), swapaxes(rows(b), 1, 2)), shape);
}

}  // namespace

Merge::Merge(MergeKind kind, Options options) : kind_(kind), options_(std::move(options)) {
  if (!options_.name.empty()) set_name(options_.name);
}

std::string_view Merge::type() const { return kKinds[static_cast<size_t>(kind_)].type; }

void Merge::check_count(size_t count) const {
  const bool two = kind_ == MergeKind::subtract || kind_ == MergeKind::dot;
  if (two ? count != 2 : count == 0)
    fail<ValueError>(type(), "wrong number of inputs; got ", count, ", expected ", two ? "2" : "at least 1");
}

Tensor Merge::call_all(const std::vector<Tensor>& inputs, bool) {
  std::vector<Shape> shapes;
  for (const Tensor& x : inputs) shapes.push_back(x.shape());
  const Shape out = output_shape_all(shapes);
  if (kind_ == MergeKind::concatenate) return concat(inputs, options_.axis);
  if (kind_ == MergeKind::dot) return dot_of(type(), inputs[0], inputs[1], options_, out);
  Tensor result = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i) result = kKinds[static_cast<size_t>(kind_)].pair(result, inputs[i]);
  return kind_ == MergeKind::average ? result / static_cast<double>(inputs.size()) : result;
}

Shape Merge::output_shape_all(const std::vector<Shape>& inputs) const {
  check_count(inputs.size());
  if (kind_ == MergeKind::concatenate) return joined(type(), options_.axis, inputs);
  if (kind_ == MergeKind::dot) {
    const Shape &a = inputs[0], &b = inputs[1];
    const int i = summed_axis(type(), options_.axis, a), j = summed_axis(type(), options_.axis, b);
    if (!joined_size(a[0], b[0]) || (a[i] >= 0 && b[j] >= 0 && a[i] != b[j]))
      fail<ShapeError>(type(), "inputs do not fit together; got ", a, " and ", b, ", expected the same size of axis ",
                       options_.axis);
    Shape out{a[0] < 0 ? b[0] : a[0]};
    for (const int64_t size : kept(a, i)) out.push_back(size);
    for (const int64_t size : kept(b, j)) out.push_back(size);
    if (out.ndim() == 1) out.push_back(1);
    return out;
  }
  Shape out = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i) out = broadcast(type(), out, inputs[i]);
  return out;
}

}  // namespace gradus::nn
