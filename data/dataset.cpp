#include "data/dataset.h"

#include "autograd/ops.h"

namespace gradus::data {

TensorDataset::TensorDataset(Tensor x, Tensor y) : all_{std::move(x), std::move(y)} {
  const Shape &a = all_.x.shape(), &b = all_.y.shape();
  if (a.ndim() == 0 || b.ndim() == 0 || a[0] != b[0])
    fail<ShapeError>("TensorDataset", "different numbers of examples; got x of shape ", a, " and y of shape ", b,
                     ", expected equal first axes");
}

Example TensorDataset::get(int64_t i) const { return {all_.x[i], all_.y[i]}; }

Example TensorDataset::batch(const Tensor& indices) const {
  return {gradus::take(all_.x, indices), gradus::take(all_.y, indices)};
}

Example TensorDataset::range(int64_t begin, int64_t end) const {
  return {all_.x.slice({Slice(begin, end)}), all_.y.slice({Slice(begin, end)})};
}

std::pair<TensorDataset, TensorDataset> TensorDataset::split(double fraction) const {
  if (!(fraction >= 0 && fraction <= 1)) fail<ValueError>("split", "fraction out of range; got ", fraction, ", expected 0 to 1");
  // A fraction such as 0.29 is stored a little below its value: 0.29 of 100 examples are 29 all the same.
  const auto first = static_cast<int64_t>(static_cast<double>(size()) * fraction + 1e-6);
  const Example head = range(0, first), tail = range(first, size());
  return {TensorDataset(head.x, head.y), TensorDataset(tail.x, tail.y)};
}

}  // namespace gradus::data
