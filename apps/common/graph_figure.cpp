#include "apps/common/graph_figure.h"

#include <map>
#include <set>
#include <vector>

#include "apps/common/html.h"
#include "autograd/base/error.h"
#include "autograd/graph.h"

namespace gradus::apps {
namespace {

std::string shape_text(const Json& shape) {
  std::string out;
  for (const Json& n : shape) out += text(out.empty() ? "" : " × ", n.get<int64_t>());
  return out.empty() ? "scalar" : out;
}

std::string place_text(const Json& location) {
  if (location.is_null()) return "";
  const std::string file = location.at("file");
  return file.empty() ? location.at("function").get<std::string>()
                      : text(file.substr(file.rfind('/') + 1), ":", location.at("line").get<int64_t>());
}

/// Constants left out.
std::vector<int64_t> inputs_of(const Json& operation) {
  std::vector<int64_t> out;
  for (const Json& input : operation.at("inputs"))
    if (!input.is_null()) out.push_back(input.get<int64_t>());
  return out;
}

}  // namespace

GraphFigure graph_figure(const Tensor& target, size_t most) {
  const Json graph = Json::parse(to_json(target));
  const auto by_id = [&](const char* list) {
    std::map<int64_t, const Json*> out;
    for (const Json& entry : graph.at(list)) out[entry.at("id").get<int64_t>()] = &entry;
    return out;
  };
  std::map<int64_t, const Json*> leaves = by_id("leaves"), operations = by_id("operations");

  // Breadth first from the target, against the arrows.
  std::vector<int64_t> queue = {graph.at("target").get<int64_t>()};
  std::set<int64_t> shown(queue.begin(), queue.end());
  size_t count = 0;
  for (size_t i = 0; i < queue.size(); ++i) {
    const auto found = operations.find(queue[i]);
    if (found == operations.end()) continue;
    ++count;
    for (const int64_t input : inputs_of(*found->second))
      if ((leaves.contains(input) || count + queue.size() - i <= most) && shown.insert(input).second) queue.push_back(input);
  }

  GraphFigure out{{{"kind", "graph"}, {"nodes", Json::array()}, {"edges", Json::array()}}, "", ""};
  std::map<int64_t, std::string> names;
  std::vector<html::Row> rows;
  for (const int64_t id : shown) {  // ascending: inputs first
    const bool is_leaf = leaves.contains(id);
    const Json& entry = is_leaf ? *leaves[id] : *operations[id];
    std::string name = entry.at(is_leaf ? "name" : "op");
    if (name.empty()) name = "watched tensor";
    names[id] = is_leaf ? name : text(rows.size() + 1, " ", name);
    const std::string shape = shape_text(entry.at("shape")), where = is_leaf ? "" : place_text(entry.at("location"));
    const char* kind = id == graph.at("target") ? "target" : is_leaf ? "leaf" : "operation";
    out.drawing["nodes"].push_back({{"id", id}, {"kind", kind}, {"name", name}, {"shape", shape}, {"where", where}});
    if (is_leaf) continue;
    std::string inputs;
    bool cut = false;
    for (const int64_t input : inputs_of(entry)) {
      if (!shown.contains(input)) {
        cut = true;
        continue;
      }
      out.drawing["edges"].push_back({input, id});
      inputs += (inputs.empty() ? "" : ", ") + names[input];
    }
    if (cut) {  // a stub where the drawing ends
      out.drawing["nodes"].push_back({{"id", -id - 1}, {"kind", "cut"}, {"name", "…"}, {"shape", ""}, {"where", ""}});
      out.drawing["edges"].push_back({-id - 1, id});
    }
    rows.push_back({text(rows.size() + 1), name, shape, inputs, text(entry.at("bytes_saved").get<int64_t>())});
  }
  out.description = text(operations.size(), operations.size() == 1 ? " operation on " : " operations on ", leaves.size(),
                         leaves.size() == 1 ? " variable" : " variables");
  if (rows.size() < operations.size()) out.description += text("; shown are the ", rows.size(), " nearest to the result");
  out.table = html::table({"Step", "Operation", "Result", "Inputs", "Bytes kept for the gradient"}, rows);
  return out;
}

}  // namespace gradus::apps
