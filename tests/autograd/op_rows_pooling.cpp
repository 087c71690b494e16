// Pooling windows.
#include "tests/autograd/op_rows.h"

namespace gradus::test {

std::vector<Row> pooling_rows() { return {}; }

}  // namespace gradus::test
