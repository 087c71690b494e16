// Writing and adding by index; segments; masks.
#include "tests/autograd/op_rows.h"

namespace gradus::test {

std::vector<Row> scatter_rows() { return {}; }

}  // namespace gradus::test
