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

  std::map<int64_t, int> uses;
  for (const int64_t id : shown)
    if (!leaves.contains(id))
      for (const int64_t input : inputs_of(*operations[id])) ++uses[input];

  GraphFigure out{{{"kind", "graph"}, {"nodes", Json::array()}, {"edges", Json::array()}}, "", ""};
  Json &nodes = out.drawing["nodes"], &edges = out.drawing["edges"];
  int64_t extra = 0;  // nodes that are no records get negative numbers
  std::map<int64_t, std::string> names;
  const auto add_node = [&](int64_t id, std::string_view kind, const Json& entry) {
    const bool leaf = leaves.contains(entry.at("id").get<int64_t>());
    nodes.push_back({{"id", id},
                     {"kind", kind},
                     {"name", names[entry.at("id").get<int64_t>()]},
                     {"shape", shape_text(entry.at("shape"))},
                     {"where", leaf ? "" : place_text(entry.at("location"))}});
    return id;
  };
  std::vector<html::Row> rows;
  std::map<int64_t, std::string> steps;  // what the table calls an input
  for (const int64_t id : shown) {       // ascending: inputs first
    const bool leaf = leaves.contains(id);
    const Json& entry = leaf ? *leaves[id] : *operations[id];
    names[id] = entry.at(leaf ? "name" : "op").get<std::string>();
    if (names[id].empty()) names[id] = "watched tensor";
    steps[id] = leaf ? names[id] : text(rows.size() + 1, " ", names[id]);
    if (id == graph.at("target")) add_node(id, "target", entry);
    else if (!leaf) add_node(id, "operation", entry);
    else if (uses[id] == 1) add_node(id, "leaf", entry);
    if (leaf) continue;

    std::string inputs;
    bool cut = false;
    for (const int64_t input : inputs_of(entry)) {
      if (!shown.contains(input)) {
        cut = true;
        continue;
      }
      // A variable of many uses (of a recurrent layer) stands at each of them: arrows across the whole drawing explain nothing.
      const bool copied = leaves.contains(input) && uses[input] > 1;
      edges.push_back({copied ? add_node(--extra, "leaf", *leaves[input]) : input, id});
      inputs += (inputs.empty() ? "" : ", ") + steps[input];
    }
    if (cut) {  // a stub where the drawing ends
      nodes.push_back({{"id", --extra}, {"kind", "cut"}, {"name", "…"}, {"shape", ""}, {"where", ""}});
      edges.push_back({extra, id});
    }
    rows.push_back(
        {text(rows.size() + 1), names[id], shape_text(entry.at("shape")), inputs, text(entry.at("bytes_saved").get<int64_t>())});
  }
  out.description = text(operations.size(), operations.size() == 1 ? " operation on " : " operations on ", leaves.size(),
                         leaves.size() == 1 ? " variable" : " variables");
  if (rows.size() < operations.size()) out.description += text("; shown are the ", rows.size(), " nearest to the result");
  out.table = html::table({"Step", "Operation", "Result", "Inputs", "Bytes kept for the gradient"}, rows);
  return out;
}

}  // namespace gradus::apps
