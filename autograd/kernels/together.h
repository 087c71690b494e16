// Images with their channels first, seen by kernels with their channels together: what is copied in runs, or worked on with a
// vector of channels at a time, gains more than the two transpositions cost.
#pragma once

#include "autograd/kernels/copy.h"

namespace gradus::kernels {

/// An image of which the kernels see a copy with its channels together in memory, where that is `worth` it. The shape stays.
class Together {
 public:
  Together(const detail::TensorImpl& image, bool channels_first, bool worth)
      : seen_(detail::TensorImpl::view(image, image.shape, image.strides, 0)) {
    if (!channels_first || !worth) return;
    const int rank = image.ndim();
    Shape order{image.shape[0]};
    for (int i = 2; i < rank; ++i) order.push_back(image.shape[i]);
    order.push_back(image.shape[1]);
    const Ref<detail::TensorImpl> memory = detail::TensorImpl::make("window", order, image.dtype);
    Strides strides{};
    for (int i = 0; i < rank; ++i) strides[static_cast<size_t>(i)] = memory->stride(i == 0 ? 0 : i == 1 ? rank - 1 : i - 1);
    seen_ = detail::TensorImpl::view(*memory, image.shape, strides, 0);
    moved_ = true;
  }
  detail::TensorImpl& operator*() const { return *seen_; }
  /// This, holding the image's values.
  Together& read(const detail::TensorImpl& image) {
    if (moved_) copy(*seen_, image);
    return *this;
  }
  /// What kernels have written here, where it belongs.
  void write(detail::TensorImpl& image) const {
    if (moved_) copy(image, *seen_);
  }

 private:
  Ref<detail::TensorImpl> seen_;
  bool moved_ = false;
};

}  // namespace gradus::kernels
