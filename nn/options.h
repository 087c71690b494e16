// Options that belong to some rows of a table only: what is given must be taken.
#pragma once

#include <span>
#include <string_view>

namespace gradus::nn::detail {

/// One option of a struct of options: the bit that says who takes it, and whether it was given.
struct GivenOption {
  std::string_view name;
  unsigned bit;
  bool given;
};

/// ValueError naming `op` for an option that is given but not among the bits `taken`; lists those it takes.
void check_taken(std::string_view op, std::span<const GivenOption> options, unsigned taken);
/// ValueError unless low <= value <= high (not for NaN). An infinite `high` is no bound.
void check_range(std::string_view op, std::string_view what, double value, double low, double high);

}  // namespace gradus::nn::detail
