// Model::summary: Keras' table.
#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "nn/model.h"
#include "nn/objective.h"

namespace gradus::nn {
namespace {

/// 407050 -> "407,050"
std::string grouped(int64_t n) {
  std::string out = std::to_string(n);
  for (size_t at = out.size(); at > 3;) out.insert(at -= 3, 1, ',');
  return out;
}

std::string memory(int64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "KB", "MB", "GB", "TB"};
  double amount = static_cast<double>(bytes);
  size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < kUnits.size(); ++unit) amount /= 1024;
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.2f %s", amount, kUnits[unit]);
  return buffer.data();
}

/// "(None, 512)": the first dimension counts samples.
std::string shape_text(const Shape& shape) {
  std::string out = "(";
  for (int i = 0; i < shape.ndim(); ++i)
    out += (i ? ", " : "") + (i == 0 || shape[i] < 0 ? std::string("None") : std::to_string(shape[i]));
  return out + (shape.ndim() == 1 ? ",)" : ")");
}

/// A cell may have several lines.
using Cells = std::vector<std::string>;

/// Characters, not bytes: names may be in UTF-8.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::vector<std::string> lines_of(const std::string& cell) {
  std::vector<std::string> lines{""};
  for (const char c : cell) {
    if (c == '\n') lines.emplace_back();
    else lines.back() += c;
  }
  return lines;
}

class Table {
 public:
  Table(Cells header, std::vector<size_t> widths) : header_(std::move(header)), widths_(std::move(widths)) {}

  void add(Cells cells) {
    for (size_t i = 0; i < cells.size(); ++i)
      for (const std::string& line : lines_of(cells[i])) widths_[i] = std::max(widths_[i], width_of(line) + 2);
    rows_.push_back(std::move(cells));
  }

  void print(std::ostream& out) const {
    rule(out, "┏", "━", "┳", "┓");
    row(out, header_, "┃");
    rule(out, "┡", "━", "╇", "┩");
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (i) rule(out, "├", "─", "┼", "┤");
      row(out, rows_[i], "│");
    }
    rule(out, "└", "─", "┴", "┘");
  }

 private:
  void rule(std::ostream& out, const char* left, const char* line, const char* cross, const char* right) const {
    for (size_t i = 0; i < widths_.size(); ++i) {
      out << (i ? cross : left);
      for (size_t k = 0; k < widths_[i]; ++k) out << line;
    }
    out << right << "\n";
  }

  void row(std::ostream& out, const Cells& cells, const char* bar) const {
    std::vector<std::vector<std::string>> columns;
    size_t height = 0;
    for (const std::string& cell : cells) height = std::max(height, columns.emplace_back(lines_of(cell)).size());
    for (size_t k = 0; k < height; ++k) {
      for (size_t i = 0; i < columns.size(); ++i) {
        const std::string cell = k < columns[i].size() ? columns[i][k] : "";
        const std::string space(widths_[i] - width_of(cell) - 2, ' ');
        const bool right_aligned = i == 2;
        out << bar << " " << (right_aligned ? space : "") << cell << (right_aligned ? "" : space) << " ";
      }
      out << bar << "\n";
    }
  }

  Cells header_;
  std::vector<size_t> widths_;
  std::vector<Cells> rows_;
};

}  // namespace

std::vector<Model::SummaryRow> Model::summary_rows() const {
  struct Rows : Visitor {
    void on_module(Module& module) override {
      const Layer* layer = dynamic_cast<const Layer*>(&module);
      rows.push_back({path(), layer ? std::string(layer->type()) : "Module", {}, module.num_parameters(), layer});
    }
    void on_variable(const Variable& variable) override { rows.push_back({path(), "Variable", {}, variable.size()}); }
    std::vector<SummaryRow> rows;
  } rows;
  const_cast<Model&>(*this).visit(rows);
  return std::move(rows.rows);
}

/// Appends the rows of `parts`, below each model those of its layers.
void Model::expand(std::vector<SummaryRow>& rows, std::vector<SummaryRow> parts, const std::string& indent) {
  for (SummaryRow& part : parts) {
    const auto* model = dynamic_cast<const Model*>(part.layer);
    part.name = indent + part.name;
    if (!indent.empty()) part.connected = {"-"};
    rows.push_back(std::move(part));
    if (model) expand(rows, model->summary_rows(), (indent.empty() ? "    └ " : "    ") + indent);
  }
}

void Model::summary(std::ostream& out, const SummaryOptions& options) const {
  std::vector<SummaryRow> rows = summary_rows();
  const bool graph = std::ranges::any_of(rows, [](const SummaryRow& row) { return !row.connected.empty(); });
  if (options.expand_nested) expand(rows, std::exchange(rows, {}), "");

  // Keras' widths at 78 columns.
  Cells header{"Layer (type)", "Output Shape", "Param #"};
  std::vector<size_t> widths = graph ? std::vector<size_t>{21, 19, 12} : std::vector<size_t>{33, 24, 15};
  if (graph) header.push_back("Connected to"), widths.push_back(19);
  if (options.show_trainable) header.push_back("Trainable"), widths.push_back(11);
  Table table(std::move(header), std::move(widths));
  for (const SummaryRow& row : rows) {
    Cells cells{row.name + " (" + row.type + ")", row.output ? shape_text(*row.output) : "?", grouped(row.parameters)};
    if (graph) {
      std::string& connected = cells.emplace_back();
      for (const std::string& from : row.connected) connected += (connected.empty() ? "" : ",\n") + from;
    }
    if (options.show_trainable)
      cells.push_back(!row.layer || row.layer->variables().empty() ? "-" : row.layer->trainable_variables().empty() ? "N" : "Y");
    table.add(std::move(cells));
  }

  struct Total {
    int64_t count = 0, bytes = 0;
    Total& operator+=(const Total& other) {
      count += other.count;
      bytes += other.bytes;
      return *this;
    }
  } trainable, frozen, optimizer;
  for (const Variable& variable : variables())
    (variable.trainable() ? trainable : frozen) += {variable.size(), variable.size() * size_of(variable.dtype())};
  if (training_ && training_->optimizer->iterations() > 0)
    optimizer = {training_->optimizer->num_parameters(), training_->optimizer->num_bytes()};
  Total total = trainable;
  (total += frozen) += optimizer;

  out << "Model: \"" << (name().empty() ? detail::default_name(type()) : name()) << "\"\n";
  table.print(out);
  const auto line = [&](const char* what, const Total& t) {
    out << " " << what << " params: " << grouped(t.count) << " (" << memory(t.bytes) << ")\n";
  };
  line("Total", total);
  line("Trainable", trainable);
  line("Non-trainable", frozen);
  if (optimizer.count) line("Optimizer", optimizer);
}

}  // namespace gradus::nn
