// Table: columns by name, as tensors.
#include <algorithm>

#include "autograd/ops.h"
#include "data/csv.h"

namespace gradus::data {
namespace {

int64_t length(const Column& column) {
  return std::visit([](const auto& values) { return static_cast<int64_t>(values.size()); }, column.values);
}

Tensor numbers(std::string_view op, const Column& column) {
  if (const auto* whole = std::get_if<std::vector<int64_t>>(&column.values))
    return column.type == ColumnType::boolean ? Tensor(*whole).astype(DType::boolean) : Tensor(*whole);
  if (const auto* real = std::get_if<std::vector<double>>(&column.values)) return Tensor(*real);
  const auto& words = std::get<std::vector<std::string>>(column.values);
  fail<ValueError>(op, "not a column of numbers; got text in \"", column.name, "\"",
                   words.empty() ? "" : text(" (\"", words[0], "\", ...)"), ", expected numbers; use categorical");
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (const Column& column : columns_) {
    if (length(column) != rows())
      fail<ShapeError>("Table", "columns of different lengths; got ", length(column), " rows in \"", column.name, "\", expected ",
                       rows());
    if (std::ranges::count(columns_, column.name, &Column::name) > 1)
      fail<ValueError>("Table", "a name repeats; got \"", column.name, "\" twice, expected different names");
  }
}

int64_t Table::rows() const { return columns_.empty() ? 0 : length(columns_[0]); }

std::vector<std::string> Table::names() const {
  std::vector<std::string> out;
  for (const Column& column : columns_) out.push_back(column.name);
  return out;
}

const Column& Table::column(std::string_view name) const {
  const auto found = std::ranges::find(columns_, name, &Column::name);
  if (found != columns_.end()) return *found;
  std::string known;
  for (const Column& column : columns_) known += text(known.empty() ? "" : ", ", column.name);
  fail<ValueError>("Table", "unknown column; got \"", name, "\", expected one of ", known);
}

Tensor Table::tensor(std::string_view name) const { return numbers("Table::tensor", column(name)); }

Tensor Table::tensor(std::string_view name, DType dtype) const { return tensor(name).astype(dtype); }

Tensor Table::matrix(const std::vector<std::string>& names, DType dtype) const {
  if (names.empty()) fail<ValueError>("Table::matrix", "no columns; got an empty list of names, expected at least one");
  std::vector<Tensor> parts;
  for (const std::string& name : names) parts.push_back(tensor(name, dtype));
  return stack(parts, 1);
}

std::vector<std::string> Table::strings(std::string_view name) const {
  const Column& from = column(name);
  if (const auto* words = std::get_if<std::vector<std::string>>(&from.values)) return *words;
  std::vector<std::string> out;
  std::visit(
      [&](const auto& values) {
        for (const auto& value : values) {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, int64_t>)
            out.push_back(from.type == ColumnType::boolean ? (value ? "true" : "false") : std::to_string(value));
          else out.push_back(text(value));
        }
      },
      from.values);
  return out;
}

Categories Table::categorical(std::string_view name) const {
  std::vector<std::string> words = strings(name);
  std::ranges::sort(words);
  words.erase(std::unique(words.begin(), words.end()), words.end());
  Tensor codes = categorical(name, words);
  return {std::move(codes), std::move(words)};
}

Tensor Table::categorical(std::string_view name, const std::vector<std::string>& vocabulary) const {
  std::vector<int32_t> codes;
  for (int64_t row = 0; const std::string& word : strings(name)) {
    const auto found = std::ranges::find(vocabulary, word);
    if (found == vocabulary.end())
      fail<ValueError>("Table::categorical", "a word outside the vocabulary; got \"", word, "\" in column \"", name, "\", row ",
                       row, ", expected one of ", vocabulary.size(), " known words");
    codes.push_back(static_cast<int32_t>(found - vocabulary.begin()));
    ++row;
  }
  return Tensor(codes);
}

}  // namespace gradus::data
