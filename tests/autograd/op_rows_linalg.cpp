// Linear algebra on LAPACK.
#include "tests/autograd/op_rows.h"

namespace gradus::test {

std::vector<Row> linalg_rows() { return {}; }

}  // namespace gradus::test
