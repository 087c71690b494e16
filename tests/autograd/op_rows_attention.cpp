// Attention and dropout.
#include "tests/autograd/op_rows.h"

namespace gradus::test {

std::vector<Row> attention_rows() { return {}; }

}  // namespace gradus::test
