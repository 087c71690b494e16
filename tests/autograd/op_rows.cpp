#include "tests/autograd/op_rows.h"

#include <cstdlib>

namespace gradus::test {

const std::vector<Row>& all_rows() {
  static const std::vector<Row> all = [] {
    std::vector<Row> out;
    for (auto* family : {arithmetic_rows,    comparison_rows,  math_rows,    trigonometry_rows,  special_rows,  activation_rows,
                         reduce_rows,        product_rows,     norm_rows,    view_rows,          join_rows,     softmax_rows,
                         graph_rows,         scan_rows,        sort_rows,    rearrange_rows,     scatter_rows,  linalg_rows,
                         decomposition_rows, convolution_rows, pooling_rows, normalization_rows, attention_rows})
      for (Row& row : family()) out.push_back(std::move(row));
    // While one works on an operation: GRADUS_ROW=part of a row's name tries only such rows.
    if (const char* only = std::getenv("GRADUS_ROW"))
      std::erase_if(out, [only](const Row& row) { return row.name.find(only) == std::string::npos; });
    return out;
  }();
  return all;
}

std::string operation(const Row& row) { return row.name.substr(0, row.name.find(' ')); }

}  // namespace gradus::test
