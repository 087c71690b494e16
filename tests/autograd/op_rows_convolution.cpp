// Convolution of one, two and three dimensions.
#include "tests/autograd/op_rows.h"

namespace gradus::test {

std::vector<Row> convolution_rows() { return {}; }

}  // namespace gradus::test
