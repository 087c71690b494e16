// What a list and a walk ask while an AnomalyMode lives. Every function throws TapeError for the first value that is not finite.
#pragma once

#include "autograd/tape/list.h"

namespace gradus::detail {

/// Before `out = op(inputs)` is recorded.
void check_result(List& list, const Op& op, const Tensor& out, std::span<const Tensor* const> inputs);
/// The gradient that the rule of record `id` gives for the input of `saved`; undefined if it gives none.
Tensor checked_gradient(List& list, uint32_t id, const Saved& saved, const Tensor& g);
/// The adjoint of record `id`, to which a finite gradient was added.
void check_sum(const List& list, uint32_t id, const Tensor& adjoint);
/// What the walk starts from.
void check_seed(size_t target, const Tensor& seed);

}  // namespace gradus::detail
