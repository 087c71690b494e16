// Sorting, searching, unique.
#include "tests/autograd/op_rows.h"

namespace gradus::test {

std::vector<Row> sort_rows() { return {}; }

}  // namespace gradus::test
