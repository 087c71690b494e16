// Tables: CSV files (RFC 4180) as named columns, and columns as tensors.
//
//   const data::Table houses = data::load_csv("houses.csv");
//   Tensor x = houses.matrix({"rooms", "age"}), y = houses.tensor("price");  // [rows, 2], [rows]
//
// A Table owns its columns; const access from several threads is safe.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "autograd/tensor.h"

namespace gradus::data {

enum class ColumnType : uint8_t { boolean, integer, real, text };

/// Values of one kind; which one `type` says.
struct Column {
  std::string name;
  ColumnType type = ColumnType::text;
  /// boolean, integer: int64; real: double; text: strings.
  std::variant<std::vector<int64_t>, std::vector<double>, std::vector<std::string>> values = {};
};

/// Words as numbers: vocabulary[codes[i]] is row i's.
struct Categories {
  Tensor codes;                         // int32 [rows]
  std::vector<std::string> vocabulary;  // sorted
};

class Table {
 public:
  Table() = default;
  /// ShapeError for columns of different lengths, ValueError for a name that repeats.
  explicit Table(std::vector<Column> columns);

  int64_t rows() const;
  const std::vector<Column>& columns() const { return columns_; }
  std::vector<std::string> names() const;
  /// ValueError for an unknown name, listing the known ones.
  const Column& column(std::string_view name) const;

  /// A column as numbers [rows]: bool, int64 or float64, or the dtype given. ValueError for text: see categorical.
  Tensor tensor(std::string_view name) const;
  Tensor tensor(std::string_view name, DType dtype) const;
  /// Several side by side: [rows, names].
  Tensor matrix(const std::vector<std::string>& names, DType dtype = DType::float32) const;
  /// A column as words, whatever its type.
  std::vector<std::string> strings(std::string_view name) const;
  /// A column as codes of its different values, sorted.
  Categories categorical(std::string_view name) const;
  /// The codes by a vocabulary made before: test data. ValueError for a word that it lacks.
  Tensor categorical(std::string_view name, const std::vector<std::string>& vocabulary) const;

 private:
  std::vector<Column> columns_;
};

/// What to do with a field that is empty or one of CsvOptions::missing_values. `nan`: NaN in a column of numbers or truth values,
/// which thereby becomes real; text columns keep the field as it is. `drop`: the row is left out. `error`: IoError.
enum class Missing : uint8_t { nan, drop, error };

struct CsvOptions {
  char delimiter = ',';
  bool header = true;                   // the first row names the columns
  std::vector<std::string> names = {};  // instead of the header's, or of "0", "1", ... where there is none
  Missing missing = Missing::nan;
  std::vector<std::string> missing_values = {"", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"};  // unquoted
};

/// Reads a UTF-8 file, plain or gzip. Fields may be quoted and then hold delimiters, line ends and doubled quotes; lines end with
/// LF or CRLF; a byte order mark and empty lines are passed over. A column is boolean (true, false, in any case), integer
/// (int64), real (as in C, no hexadecimals) or text, the first that fits all its values. IoError, with path and line, for a row
/// with more or fewer fields than the first, a quote in or after a field where none belongs, one without an end, for names that
/// repeat, text that is not UTF-8, and a file without any row; ValueError for a delimiter that is a quote or a line end.
Table load_csv(const std::string& path, const CsvOptions& options = {});

struct CsvWriteOptions {
  char delimiter = ',';
  bool header = true;
};

/// Writes a table so that load_csv gives it back: real numbers with all their digits, NaN as an empty field, quotes where they
/// are needed. The file is replaced at once or not at all. IoError when it cannot be written.
void save_csv(const std::string& path, const Table& table, const CsvWriteOptions& options = {});
/// The columns of a [rows, names] tensor. ShapeError for another shape.
void save_csv(const std::string& path, const std::vector<std::string>& names, const Tensor& values,
              const CsvWriteOptions& options = {});

}  // namespace gradus::data
