// Finding a row of a table by its name, with an error that lists the names there are.
#pragma once

#include <string>
#include <string_view>

#include "autograd/base/error.h"

namespace gradus::detail {

/// The row of `table` whose member `name` is `name`. ValueError naming `op` and listing the table otherwise.
template <class Table>
const auto& find_by_name(std::string_view op, std::string_view what, std::string_view name, const Table& table) {
  std::string known;
  for (const auto& row : table) {
    if (row.name == name) return row;
    if (!known.empty()) known += ", ";
    known += row.name;
  }
  fail<ValueError>(op, "unknown ", what, "; got \"", name, "\", expected one of ", known);
}

}  // namespace gradus::detail
