#include "autograd/graph.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include "autograd/storage/memory.h"
#include "autograd/tape/list.h"

namespace gradus {
namespace {

using detail::kNoNode;
using detail::List;
using detail::Node;
using Json = nlohmann::ordered_json;

constexpr auto kReplace = Json::error_handler_t::replace;  // bytes that are not UTF-8

/// The records that lead to a tensor, ascending.
struct Graph {
  const List& list = detail::this_list();
  uint32_t target = kNoNode;
  std::vector<uint32_t> ids = {};

  Graph(std::string_view op, const Tensor& x) : target(list.find(x.impl())) {
    if (target == kNoNode)
      fail<TapeError>(op, "no tape of this thread holds the tensor; got ",
                      !list.tapes().empty() ? "a tensor that does not depend on anything watched" : "no open tape",
                      ", expected an open or persistent GradientTape around its computation");
    std::vector<bool> wanted(target + size_t{1});
    wanted[target] = true;
    for (uint32_t id = target + 1; id-- > 0;) {
      if (!wanted[id]) continue;
      ids.push_back(id);
      for (const uint32_t input : list[id].ids())
        if (input != kNoNode) wanted[input] = true;
    }
    std::reverse(ids.begin(), ids.end());
  }
};

/// Every distinct call is looked up once.
class Locations {
 public:
  explicit Locations(const List& list) : list_(list) {}
  /// Null when unknown.
  const detail::Location* of(uint32_t id) {
    const detail::CallStack* stack = list_.stack_of(id);
    if (!stack) return nullptr;
    const std::string_view op = list_[id].op->name;
    const auto [it, added] = known_.try_emplace({stack, op});
    if (added) it->second = detail::locate(*stack, op);
    return &it->second;
  }

 private:
  const List& list_;
  std::map<std::pair<const detail::CallStack*, std::string_view>, detail::Location> known_;
};

int64_t bytes_saved(const Node& node) {
  int64_t bytes = 0;
  for (uint8_t i = 0; i < node.saved; ++i)
    if (const Tensor& x = node.saved_tensors()[i]; x.defined()) bytes += x.size() * size_of(x.dtype());
  return bytes;
}

// A string of DOT that shows `text` as it is: the escapes of labels and HTML's entities mean nothing in it.
std::string label(std::string_view text) {
  const std::string valid = Json::parse(Json(text).dump(-1, ' ', false, kReplace)).get<std::string>();
  std::string out;
  for (const char c : valid) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '&': out += "&amp;"; break;
      default: out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return out;
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

std::string to_dot(const Tensor& target) {
  const Graph graph("to_dot", target);
  Locations locations(graph.list);
  std::string out = "digraph tape {\n  node [shape=box, fontname=\"sans-serif\", fontsize=11];\n";
  for (const uint32_t id : graph.ids) {
    const Node& node = graph.list[id];
    const std::string shape = text(node.shape(), " ", node.dtype);
    out += text("  n", id, " [label=\"");
    if (!node.op) {
      const std::string& name = List::leaf_of(node)->name;
      out += text(name.empty() ? "" : label(name) + "\\n", shape, "\", shape=ellipse, style=filled, fillcolor=\"#e8f0fe\"");
    } else {
      out += text(label(node.op->name), "\\n", shape);
      if (const int64_t bytes = bytes_saved(node); bytes > 0) out += text("\\n", bytes, " bytes saved");
      if (const detail::Location* at = locations.of(id); at && !at->function.empty())
        out += "\\n" + label(at->file.empty() ? at->function : text(file_name(at->file), ":", at->line));
      out += "\"";
    }
    out += id == graph.target ? ", penwidth=2];\n" : "];\n";
    const std::span<const uint32_t> inputs = node.ids();
    for (size_t k = 0; k < inputs.size(); ++k)
      if (inputs[k] != kNoNode)
        out += text("  n", inputs[k], " -> n", id, inputs.size() > 1 ? text(" [label=\"", k, "\", fontsize=9]") : "", ";\n");
  }
  return out + "}\n";
}

std::string to_json(const Tensor& target) {
  const Graph graph("to_json", target);
  Locations locations(graph.list);
  std::string leaves, operations;  // one line each
  const auto add = [](std::string& lines, const Json& entry) {
    lines += (lines.empty() ? "\n  " : ",\n  ") + entry.dump(-1, ' ', false, kReplace);
  };
  for (const uint32_t id : graph.ids) {
    const Node& node = graph.list[id];
    const Json shape = std::vector<int64_t>(node.dims(), node.dims() + node.ndim);
    const std::string_view dtype = info(node.dtype).name;
    if (!node.op) {
      const detail::Leaf& leaf = *List::leaf_of(node);
      add(leaves, {{"id", id},
                   {"name", leaf.name},
                   {"variable", leaf.variable},
                   {"trainable", leaf.trainable},
                   {"shape", shape},
                   {"dtype", dtype}});
      continue;
    }
    Json inputs = Json::array(), location;
    for (const uint32_t input : node.ids()) inputs.push_back(input == kNoNode ? Json() : Json(input));
    if (const detail::Location* at = locations.of(id))
      location = {{"file", at->file}, {"line", at->line}, {"function", at->function}, {"inside", at->inside}};
    add(operations, {{"id", id},
                     {"op", node.op->name},
                     {"shape", shape},
                     {"dtype", dtype},
                     {"bytes_saved", bytes_saved(node)},
                     {"inputs", inputs},
                     {"location", location}});
  }
  return text("{\"target\": ", graph.target, ",\n \"leaves\": [", leaves, "],\n \"operations\": [", operations, "]}\n");
}

TapeStats GradientTape::stats() const {
  TapeStats stats;
  if (state_->consumed) return stats;
  const List& list = *state_->list;
  if (&list != &detail::this_list())
    fail<TapeError>("stats", "tape of another thread; got a tape that was made elsewhere, expected one of this thread");
  std::unordered_map<std::string_view, int64_t> counts;
  std::unordered_set<const detail::Buffer*> seen;
  for (const uint32_t id : list.leaves()) seen.insert(list[id].saved_tensors()[0].impl().buffer.get());
  for (uint32_t id = state_->begin, last = state_->last(list.size()); id < last; ++id) {
    if (!state_->covers(id, list.size())) continue;
    const Node& node = list[id];
    stats.tape_bytes += static_cast<int64_t>(sizeof(Node) + node.ids_offset + (4 * node.inputs + 7) / 8 * 8);
    if (!node.op) {
      ++stats.leaves;
      continue;
    }
    ++stats.operations;
    ++counts[node.op->name];
    for (uint8_t i = 0; i < node.saved; ++i) {
      const Tensor& x = node.saved_tensors()[i];
      if (!x.defined()) continue;
      ++stats.saved_tensors;
      const detail::Buffer* buffer = x.impl().buffer.get();
      if (buffer && seen.insert(buffer).second) stats.saved_bytes += memory::detail::block_bytes(buffer->size_class);
    }
  }
  stats.ops.assign(counts.begin(), counts.end());
  std::sort(stats.ops.begin(), stats.ops.end(),
            [](const auto& a, const auto& b) { return a.second != b.second ? a.second > b.second : a.first < b.first; });
  return stats;
}

std::string TapeStats::text() const {
  std::vector<std::pair<std::string, int64_t>> rows{{"operations", operations},
                                                    {"leaves", leaves},
                                                    {"saved tensors", saved_tensors},
                                                    {"saved bytes", saved_bytes},
                                                    {"tape bytes", tape_bytes}};
  for (const auto& [name, count] : ops) rows.emplace_back("  " + std::string(name), count);
  size_t names = 0, digits = 0;
  for (const auto& [name, count] : rows) {
    names = std::max(names, name.size());
    digits = std::max(digits, std::to_string(count).size());
  }
  std::string out;
  for (const auto& [name, count] : rows) {
    const std::string number = std::to_string(count);
    out += name + std::string(names - name.size() + 2 + digits - number.size(), ' ') + number + "\n";
  }
  return out;
}

}  // namespace gradus
