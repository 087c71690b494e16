// Parts of a tensor that no index describes, such as diagonals.
#pragma once

#include "autograd/slice.h"
#include "autograd/tensor.h"

namespace gradus::detail {

/// A part of a tensor, described against the contiguous layout of the whole.
struct PartAttrs {
  ViewSpec part;
  Shape whole;
};

/// A view of x, recorded as a slice: described against x's own strides and against contiguous ones.
Tensor view_part(const Tensor& x, const ViewSpec& own, const ViewSpec& contiguous);

/// The transpose of a slice: zeros of the whole's shape with g in place of the part. Errors name `op`.
Tensor place(const Tensor& g, const PartAttrs& attrs, std::string_view op = "place");

}  // namespace gradus::detail
