// Order along one axis, and what follows from it: ranks, groups, places in a sorted line.
//
// All comparisons are of order-preserving integer keys, so that one algorithm serves every dtype: NaN is the largest value and
// equal to itself, and -0 equals 0.
#pragma once

#include <vector>

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

/// out (int64, contiguous) = positions along `axis` of the elements of ranks [first, first + out.shape[axis]) in ascending or
/// descending order; equal elements keep theirs. in in any layout.
void order(detail::TensorImpl& out, const detail::TensorImpl& in, int axis, bool descending, int64_t first);

/// The distinct elements of a line in ascending order: where each first stands, and how often it occurs.
struct Groups {
  std::vector<int64_t> first, count;
};
/// Groups of the 1-D `in`; inverse (int64, contiguous) = the group of each element.
Groups groups(detail::TensorImpl& inverse, const detail::TensorImpl& in);

/// out = where each of `values` [..., m] goes in its line of `sorted` [..., n], or in the only one [n]: after all smaller
/// elements, and after equal ones too if `right`. One dtype, all contiguous. Whatever the order of `sorted`, the result is in [0,
/// n].
void search_sorted(detail::TensorImpl& out, const detail::TensorImpl& sorted, const detail::TensorImpl& values, bool right);

/// out (int64, contiguous) = how often each of its positions occurs among `values` (int64, contiguous, all in range).
void count_values(detail::TensorImpl& out, const detail::TensorImpl& values);

}  // namespace gradus::kernels
