#include "data/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

#include "data/file.h"
#include "data/readers.h"
#include "data/utf8.h"

namespace gradus::data {
namespace {

struct Field {
  std::string_view text;
  bool quoted = false;
};

/// Fields of a text, row by row. Quoted fields are unescaped in place: they only get shorter.
class Scanner {
 public:
  Scanner(const io::Origin& origin, std::string& text, char delimiter) : origin_(origin), text_(text), delimiter_(delimiter) {}

  int64_t line() const { return line_; }  // of the row read last

  /// False at the end. Empty lines are no rows.
  bool next(std::vector<Field>& row) {
    row.clear();
    while (at_ < text_.size() && line_end() > 0) at_ += line_end(), ++next_line_;
    if (at_ >= text_.size()) return false;
    line_ = next_line_;
    while (true) {
      row.push_back(at_ < text_.size() && text_[at_] == '"' ? quoted() : plain());
      if (at_ < text_.size() && text_[at_] == delimiter_) {
        ++at_;
        continue;
      }
      if (const size_t end = line_end(); end > 0) at_ += end, ++next_line_;
      return true;
    }
  }

 private:
  size_t line_end() const {
    if (at_ < text_.size() && text_[at_] == '\n') return 1;
    return text_.compare(at_, 2, "\r\n") == 0 ? 2 : 0;
  }

  Field plain() {
    const size_t begin = at_;
    for (; at_ < text_.size() && text_[at_] != delimiter_ && line_end() == 0; ++at_)
      if (text_[at_] == '"')
        origin_.fail("line ", next_line_, ": a quote inside a field; got \"", text_.substr(begin, at_ + 1 - begin),
                     "\", expected the whole field in quotes, and quotes within it doubled");
    return {std::string_view(text_).substr(begin, at_ - begin), false};
  }

  Field quoted() {
    const int64_t first_line = next_line_;
    const size_t begin = ++at_;
    size_t end = begin;  // of the unescaped text
    for (;; ++at_) {
      if (at_ >= text_.size())
        origin_.fail("line ", first_line, ": a quote without an end; got the end of the file, expected \"");
      if (text_[at_] == '"' && (++at_ >= text_.size() || text_[at_] != '"')) break;
      if (text_[at_] == '\n') ++next_line_;
      text_[end++] = text_[at_];
    }
    if (at_ < text_.size() && text_[at_] != delimiter_ && line_end() == 0)
      origin_.fail("line ", next_line_, ": text after a closing quote; got byte ", int{static_cast<uint8_t>(text_[at_])},
                   ", expected a delimiter or the end of the line");
    return {std::string_view(text_).substr(begin, end - begin), true};
  }

  const io::Origin& origin_;
  std::string& text_;
  char delimiter_;
  size_t at_ = 0;
  int64_t line_ = 0, next_line_ = 1;
};

std::string_view trimmed(std::string_view s) {
  const size_t begin = s.find_first_not_of(" \t"), end = s.find_last_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view() : s.substr(begin, end + 1 - begin);
}

// All of the field as a number.
template <class T>
std::optional<T> number(std::string_view field) {
  std::string_view s = trimmed(field);
  if (s.starts_with('+') && !s.starts_with("+-")) s.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  // Out of range is a number nevertheless: infinite, or zero.
  if constexpr (std::is_floating_point_v<T>)
    if (error == std::errc::result_out_of_range && end == s.data() + s.size())
      return std::strtod(std::string(s).c_str(), nullptr);
  if (error != std::errc() || end != s.data() + s.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> truth(std::string_view field) {
  const auto is = [s = trimmed(field)](std::string_view word) {
    return std::ranges::equal(s, word, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
  };
  if (is("true")) return 1;
  return is("false") ? std::optional<int64_t>(0) : std::nullopt;
}

// The values of all fields that `convert` understands; nothing unless it understands them all.
template <class T, class Convert>
std::optional<std::vector<T>> convert_all(const std::vector<Field>& fields, const std::vector<bool>& missing, T absent,
                                          const Convert& convert) {
  std::vector<T> values;
  values.reserve(fields.size());
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::optional<T> value = missing[i] ? absent : convert(fields[i].text);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

Column infer(std::string name, const std::vector<Field>& fields, const std::vector<bool>& missing) {
  const bool complete = std::ranges::find(missing, true) == missing.end();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const auto as_double = [](std::string_view s) {
    const std::optional<int64_t> value = truth(s);
    return value ? std::optional<double>(static_cast<double>(*value)) : std::nullopt;
  };
  if (complete && !fields.empty()) {
    if (auto values = convert_all<int64_t>(fields, missing, 0, truth)) return {name, ColumnType::boolean, std::move(*values)};
    if (auto values = convert_all<int64_t>(fields, missing, 0, number<int64_t>))
      return {name, ColumnType::integer, std::move(*values)};
  }
  if (auto values = convert_all<double>(fields, missing, kNan, number<double>))
    return {name, ColumnType::real, std::move(*values)};
  if (auto values = convert_all<double>(fields, missing, kNan, as_double)) return {name, ColumnType::real, std::move(*values)};
  std::vector<std::string> words;
  words.reserve(fields.size());
  for (const Field& field : fields) words.emplace_back(field.text);
  return {name, ColumnType::text, std::move(words)};
}

void check(std::string_view op, char delimiter) {
  if (delimiter == '"' || delimiter == '\n' || delimiter == '\r' || static_cast<uint8_t>(delimiter) >= 0x80)
    fail<ValueError>(op, "unusable delimiter; got byte ", int{static_cast<uint8_t>(delimiter)},
                     ", expected an ASCII character other than a quote and a line end");
}

}  // namespace

Table io::read_csv(const ByteSource& source, const CsvOptions& options) {
  const Origin& origin = source.origin();
  check(origin.op, options.delimiter);
  std::string text = read_text(source);
  Scanner scanner(origin, text, options.delimiter);
  std::vector<Field> row;
  bool more = scanner.next(row);
  if (!more) origin.fail("no rows; got an empty file, expected at least one row");
  const size_t width = row.size();

  std::vector<std::string> names = options.names;
  if (names.empty())
    for (size_t i = 0; i < width; ++i) names.push_back(options.header ? std::string(row[i].text) : std::to_string(i));
  if (names.size() != width) origin.fail("names do not fit the file; got ", names.size(), " names, expected ", width);
  for (size_t i = 0; i < width; ++i)
    if (std::ranges::count(names, names[i]) > 1)
      origin.fail("line ", scanner.line(), ": a column's name repeats; got \"", names[i], "\" twice, expected different names");
  if (options.header) more = scanner.next(row);

  std::vector<std::vector<Field>> fields(width);
  std::vector<std::vector<bool>> missing(width);
  for (; more; more = scanner.next(row)) {
    if (row.size() != width) origin.fail("line ", scanner.line(), ": ragged row; got ", row.size(), " fields, expected ", width);
    std::vector<bool> absent;
    for (const Field& field : row)
      absent.push_back(!field.quoted && std::ranges::find(options.missing_values, field.text) != options.missing_values.end());
    if (const auto first = std::ranges::find(absent, true); first != absent.end() && options.missing != Missing::nan) {
      if (options.missing == Missing::drop) continue;
      origin.fail("line ", scanner.line(), ": a missing value; got \"", row[static_cast<size_t>(first - absent.begin())].text,
                  "\" in column ", names[static_cast<size_t>(first - absent.begin())], ", expected a value");
    }
    for (size_t i = 0; i < width; ++i) fields[i].push_back(row[i]), missing[i].push_back(absent[i]);
  }
  std::vector<Column> columns;
  for (size_t i = 0; i < width; ++i) columns.push_back(infer(names[i], fields[i], missing[i]));
  return Table(std::move(columns));
}

Table load_csv(const std::string& path, const CsvOptions& options) {
  return io::read_csv(io::FileSource({"load_csv", path}), options);
}

void save_csv(const std::string& path, const Table& table, const CsvWriteOptions& options) {
  check("save_csv", options.delimiter);
  const std::string special = std::string("\"\r\n") + options.delimiter;
  const std::vector<std::string> reserved = CsvOptions{}.missing_values;
  // Quotes also keep a word from being read as a missing value or a space from being lost.
  const auto word = [&](const std::string& s) {
    const bool plain = s.find_first_of(special) == std::string::npos && !s.empty() && trimmed(s).size() == s.size() &&
                       std::ranges::find(reserved, s) == reserved.end();
    if (plain) return s;
    std::string out = "\"";
    for (const char c : s) out.append(c == '"' ? 2 : 1, c);
    return out + '"';
  };
  io::AtomicFile file({"save_csv", path});
  const auto write_row = [&](const auto& field) {
    std::string line;
    for (const Column& column : table.columns()) (line += field(column)) += options.delimiter;
    if (!line.empty()) line.back() = '\n';
    file.write(line);
  };
  if (options.header) write_row([&](const Column& column) { return word(column.name); });
  std::array<char, 32> digits;
  for (size_t i = 0; i < static_cast<size_t>(table.rows()); ++i)
    write_row([&](const Column& column) -> std::string {
      if (const auto* words = std::get_if<std::vector<std::string>>(&column.values)) return word((*words)[i]);
      if (const auto* whole = std::get_if<std::vector<int64_t>>(&column.values))
        return column.type == ColumnType::boolean ? ((*whole)[i] ? "true" : "false") : std::to_string((*whole)[i]);
      const double value = std::get<std::vector<double>>(column.values)[i];
      if (std::isnan(value)) return table.columns().size() == 1 ? "NaN" : "";
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
      const std::string text(digits.data(), end);
      return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;  // still real when read again
    });
  file.commit();
}

void save_csv(const std::string& path, const std::vector<std::string>& names, const Tensor& values,
              const CsvWriteOptions& options) {
  if (values.ndim() != 2 || values.shape()[1] != static_cast<int64_t>(names.size()))
    fail<ShapeError>("save_csv", "values do not fit the names; got ", values.shape(), ", expected [rows, ", names.size(), "]");
  std::vector<Column> columns;
  for (size_t j = 0; j < names.size(); ++j) {
    const Tensor column = values.slice({Slice(), static_cast<int64_t>(j)});
    if (is_floating(values.dtype())) columns.push_back({names[j], ColumnType::real, column.to_vector<double>()});
    else
      columns.push_back(
          {names[j], values.dtype() == DType::boolean ? ColumnType::boolean : ColumnType::integer, column.to_vector<int64_t>()});
  }
  save_csv(path, Table(std::move(columns)), options);
}

}  // namespace gradus::data
