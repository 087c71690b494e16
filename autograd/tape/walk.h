// The reverse walk: from targets down to sources, accumulating adjoints.
#pragma once

#include <span>

#include "autograd/tape/list.h"

namespace gradus::detail {

struct WalkRequest {
  const TapeState& tape;
  std::span<const uint32_t> targets;  // record numbers; kNoNode is skipped
  std::span<const Tensor> seeds;      // one per target, shaped like it
  std::span<const uint32_t> sources;  // record numbers; kNoNode is skipped
  bool release = false;               // saved values are dropped behind the walk
};

/// out[i] = sum over targets of seed * d target / d sources[i], undefined where there is no path. Rules are recorded if this
/// thread is recording. TapeError when a rule gives a gradient of another shape or dtype than its input's.
void walk(List& list, const WalkRequest& request, std::span<Tensor> out);

/// How `target` depends on `source`: not at all, only through operations without a gradient (`cut` names one), through records
/// that are not the tape's, or so that a gradient can flow.
enum class Path : uint8_t { none, cut, outside, open };
Path find_path(const List& list, const TapeState& tape, uint32_t target, uint32_t source, std::string_view& cut);

}  // namespace gradus::detail
