// What a tape recorded, ready to be drawn: nodes, arrows and a table. Internal to the reports.
#pragma once

#include <string>

#include "apps/common/page.h"
#include "autograd/tensor.h"

namespace gradus::apps {

struct GraphFigure {
  Json drawing;             // {"kind": "graph", "nodes": [{"id", "kind", "name", "shape", "where"}], "edges": [[from, to], ...]}
  std::string description;  // "12 operations on 4 variables ..."
  std::string table;        // HTML
};

/// At most `most` operations, those nearest to the target. TapeError if no tape holds it.
GraphFigure graph_figure(const Tensor& target, size_t most = 80);

}  // namespace gradus::apps
