// The table of everything a tape can record. It is sealed: a test holds every entry to a row of trials, every public function to
// a documented declaration, and docs/ops.md to both.
#pragma once

#include <string_view>
#include <vector>

namespace gradus {

struct OpInfo {
  static constexpr int kAnyNumber = -1;
  static constexpr int kEveryOrder = -1;

  std::string_view name, family;
  int inputs;                       // or kAnyNumber
  std::vector<int> differentiable;  // the inputs that a gradient flows to; {0} for any number stands for all
  bool broadcasts;                  // its inputs meet as in NumPy
  int order;                        // of the highest derivative: kEveryOrder, or 0
};

/// Every operation, family by family.
std::vector<OpInfo> all_ops();

}  // namespace gradus
