// Functions that a walk runs again: what they read is found by a rehearsal, and their gradient by a second run on a tape of its
// own.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "autograd/draw_log.h"

namespace gradus::detail {

/// What must be known to run a function again; none of what it computed.
struct Rehearsed {
  Shape shape = {};  // of the result
  DType dtype = DType::float32;
  std::vector<uint32_t> ids = {};  // records of what the function read from outside and of the variables it read, ascending
  DrawLog draws = {};
};

/// f(), of which open tapes take no notice: a constant, or what f was given if it returns that. While a tape records.
Tensor rehearse(const std::function<Tensor()>& f, Rehearsed& out);

/// The gradients of f(), run again with the same draws, in records `first.ids`, for the gradient g of its result. Recorded by
/// enclosing tapes. TapeError, naming `op`, where the result's shape or dtype is not that of the rehearsal.
std::vector<Tensor> rerun(std::string_view op, const std::function<Tensor()>& f, const Rehearsed& first, const Tensor& g);

/// y as the result of one record over `ids` whose gradients `rule` gives; y itself where there are none.
Tensor record_rerun(const Tensor& y, std::span<const uint32_t> ids, std::function<std::vector<Tensor>(const Tensor&)> rule);

}  // namespace gradus::detail
