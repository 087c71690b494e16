// Seeing what a tape holds: as a graph for Graphviz, as JSON for programs, as a table of counts.
//
// With GradientTape({.trace = true}), or while an AnomalyMode lives, every record knows where it was called from: the innermost
// call that comes from outside the library. A file and a line need debug information in the calling code (compile it with -g or
// -g1; optimisation may stay on, but a call in return position may then show as its caller's) and a library built where
// libbacktrace was found (gcc brings it); without either the function alone is named. Tracing costs some microseconds per
// record; names and lines are looked up only when they are shown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograd/tape.h"

namespace gradus {

/// Everything this thread's tapes recorded that leads to `target`, for `dot -Tsvg`. Variables and watched tensors are ellipses,
/// operations boxes with shape, dtype, bytes saved for the backward pass and file:line. Constants are left out. Takes time in
/// proportion to what is recorded. TapeError if no tape of this thread holds the target.
std::string to_dot(const Tensor& target);

/// The same as JSON:
///   {"target": 3,
///    "leaves": [{"id": 0, "name": "W", "variable": true, "trainable": true, "shape": [2, 2], "dtype": "float32"}, ...],
///    "operations": [{"id": 3, "op": "matmul", "shape": [4, 2], "dtype": "float32", "bytes_saved": 32, "inputs": [null, 0],
///                    "location": {"file": "train.cpp", "line": 42, "function": "main", "inside": "gradus::nn::Dense::call"}}]}
/// Both lists ascend by id, and every input precedes its operation; null is a constant. name is "" for a watched tensor. location
/// is null for what was not traced; file and inside may be "", line 0. Bytes that are not UTF-8 become U+FFFD.
std::string to_json(const Tensor& target);

/// What a tape holds.
struct TapeStats {
  int64_t operations = 0;     // records, as GradientTape::size()
  int64_t leaves = 0;         // variables and tensors it watches
  int64_t saved_tensors = 0;  // kept for the backward pass, repetitions included
  int64_t saved_bytes = 0;    // memory of their buffers, as allocated, each once; without those of the leaves
  int64_t tape_bytes = 0;     // the records themselves
  std::vector<std::pair<std::string_view, int64_t>> ops = {};  // operations by name, the most frequent first

  /// An aligned table, one count per line.
  std::string text() const;
};

}  // namespace gradus
