#include "data/csv.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/data/files.h"

namespace gradus::test {
namespace {

using data::ColumnType;
using data::CsvOptions;
using data::Missing;
using data::Table;
using Words = std::vector<std::string>;

Table parse(const std::string& text, const CsvOptions& options = {}) { return data::io::read_csv(memory(text), options); }
std::string refusal(const std::string& text, const CsvOptions& options = {}) {
  return message<IoError>([&] { parse(text, options); });
}

TEST_CASE("csv: names, types and tensors") {
  const Table table = parse("i,r,b,t\n1,0.5,true,x\n-2,1e3,False,y z\n");
  CHECK(table.rows() == 2);
  CHECK(table.names() == Words{"i", "r", "b", "t"});
  CHECK(table.column("i").type == ColumnType::integer);
  CHECK(table.column("r").type == ColumnType::real);
  CHECK(table.column("b").type == ColumnType::boolean);
  CHECK(table.column("t").type == ColumnType::text);
  CHECK(table.tensor("i").dtype() == DType::int64);
  CHECK(table.tensor("i").to_vector<int>() == std::vector<int>{1, -2});
  CHECK(table.tensor("r").dtype() == DType::float64);
  CHECK(table.tensor("r").to_vector<double>() == std::vector<double>{0.5, 1000});
  CHECK(table.tensor("b").dtype() == DType::boolean);
  CHECK(table.tensor("b").to_vector<int>() == std::vector<int>{1, 0});
  CHECK(table.tensor("i", DType::float32).dtype() == DType::float32);
  const Tensor both = table.matrix({"r", "b"});
  CHECK((both.shape() == Shape{2, 2}));
  CHECK(both.dtype() == DType::float32);
  CHECK(both.to_vector<float>() == std::vector<float>{0.5f, 1, 1000, 0});
  CHECK(table.strings("t") == Words{"x", "y z"});
  CHECK(table.strings("i") == Words{"1", "-2"});
  CHECK(table.strings("b") == Words{"true", "false"});
}

TEST_CASE("csv: the first type that fits all values") {
  const auto type = [](const std::string& values) { return parse("c\n" + values).columns()[0].type; };
  CHECK(type("1\n2\n") == ColumnType::integer);
  CHECK(type("+1\n 2 \n") == ColumnType::integer);
  CHECK(type("1\n2.0\n") == ColumnType::real);
  CHECK(type("9223372036854775807\n") == ColumnType::integer);
  CHECK(type("9223372036854775808\n") == ColumnType::real);
  CHECK(type("1\ninf\n") == ColumnType::real);
  CHECK(type("1e400\n") == ColumnType::real);
  CHECK(std::isinf(parse("c\n1e400\n").tensor("c").item<double>()));
  CHECK(type("true\nFALSE\n") == ColumnType::boolean);
  CHECK(type("true\n1\n") == ColumnType::text);
  CHECK(type("0x10\n") == ColumnType::text);
  CHECK(type("1 2\n") == ColumnType::text);
  CHECK(type("--1\n") == ColumnType::text);
  CHECK(type("+-1\n") == ColumnType::text);
}

TEST_CASE("csv: quotes, line ends, byte order mark, delimiters, no header") {
  CHECK(parse("a,b\n\"x,y\",\"say \"\"hi\"\"\"\n").strings("a") == Words{"x,y"});
  CHECK(parse("a,b\n\"x,y\",\"say \"\"hi\"\"\"\n").strings("b") == Words{"say \"hi\""});
  CHECK(parse("a,b\r\n\"one\r\ntwo\",2\r\n").strings("a") == Words{"one\r\ntwo"});
  CHECK(parse("a,b\r\n\"one\r\ntwo\",2\r\n").tensor("b").to_vector<int>() == std::vector<int>{2});
  CHECK(parse("\xef\xbb\xbf"
              "a\n1\n")
            .names() == Words{"a"});
  CHECK(parse("\"a\"\n1").tensor("a").item<int>() == 1);  // no line end at the end
  CHECK(parse("a;b\n1,5;2\n", {.delimiter = ';'}).strings("a") == Words{"1,5"});
  CHECK(parse("a\tb\n1\t\n", {.delimiter = '\t'}).columns().size() == 2);
  CHECK(parse("1,2\n3,4\n", {.header = false}).matrix({"0", "1"}, DType::int32).to_vector<int>() == std::vector<int>{1, 2, 3, 4});
  CHECK(parse("1,2\n", {.header = false, .names = {"x", "y"}}).tensor("y").item<int>() == 2);
  CHECK(parse("a,b\n1,2\n", {.names = {"x", "y"}}).tensor("x").to_vector<int>() == std::vector<int>{1});
  CHECK(parse("a\n\n1\n\r\n2\n\n").tensor("a").to_vector<int>() == std::vector<int>{1, 2});  // empty lines
  CHECK(parse("a\n").rows() == 0);
  CHECK(parse("a\n").tensor("a").size() == 0);
  CHECK(parse("name\nJosé\n日本\n").strings("name") == Words{"José", "日本"});
}

TEST_CASE("csv: missing values") {
  const std::string file = "i,r,t,b\n1,,x,true\nNA,2.5,,\n3,4,NA,false\n";
  const Table table = parse(file);
  CHECK(table.column("i").type == ColumnType::real);
  const auto i = table.tensor("i").to_vector<double>(), b = table.tensor("b").to_vector<double>();
  CHECK((i[0] == 1 && std::isnan(i[1]) && i[2] == 3));
  CHECK(std::isnan(table.tensor("r").to_vector<double>()[0]));
  CHECK(table.strings("t") == Words{"x", "", "NA"});
  CHECK((b[0] == 1 && std::isnan(b[1]) && b[2] == 0));
  CHECK(std::isnan(parse("a,b\n,1\n").tensor("a").item<double>()));  // a column with nothing in it

  const Table dropped = parse(file + "4,5,y,true\n", {.missing = Missing::drop});
  CHECK(dropped.rows() == 1);
  CHECK(dropped.tensor("i").item<int>() == 4);
  CHECK(refusal(file, {.missing = Missing::error}) ==
        "parse: memory: line 2: a missing value; got \"\" in column r, expected a value");
  CHECK(parse("a\n-999\n1\n", {.missing = Missing::drop, .missing_values = {"-999"}}).rows() == 1);
  CHECK(parse("a\n\"NA\"\nx\n", {.missing = Missing::drop}).rows() == 2);  // a quoted field is what it says
}

TEST_CASE("csv: codes of words") {
  const Table table = parse("colour,n\nred,3\ngreen,1\nred,2\nblue,3\n");
  const auto [codes, vocabulary] = table.categorical("colour");
  CHECK(vocabulary == Words{"blue", "green", "red"});
  CHECK(codes.dtype() == DType::int32);
  CHECK(codes.to_vector<int>() == std::vector<int>{2, 1, 2, 0});
  CHECK(table.categorical("n").vocabulary == Words{"1", "2", "3"});
  CHECK(table.categorical("colour", {"red", "green", "blue"}).to_vector<int>() == std::vector<int>{0, 1, 0, 2});
  CHECK(
      contains(message<ValueError>([&] { table.categorical("colour", {"red"}); }), "got \"green\" in column \"colour\", row 1"));
}

TEST_CASE("csv: malformed files are refused with their line") {
  CHECK(refusal("a,b\n1,2\n3\n") == "parse: memory: line 3: ragged row; got 1 fields, expected 2");
  CHECK(contains(refusal("a,b\n\"x\ny\",2\n1,2,3\n"), "line 4: ragged row; got 3 fields"));
  CHECK(contains(refusal("a\nx\"y\n"), "line 2: a quote inside a field; got \"x\"\""));
  CHECK(contains(refusal("a,b\n\"x\"y,1\n"), "line 2: text after a closing quote"));
  CHECK(contains(refusal("a\n1\n\"x\ny\n"), "line 3: a quote without an end"));
  CHECK(contains(refusal("a\n\""), "line 2: a quote without an end"));
  CHECK(contains(refusal("a,b,a\n1,2,3\n"), "line 1: a column's name repeats; got \"a\""));
  CHECK(contains(refusal(""), "no rows"));
  CHECK(contains(refusal("\n\r\n"), "no rows"));
  CHECK(contains(refusal("a\n1\n\xff\n"), "line 3: not UTF-8; got byte 255 at offset 4"));
  CHECK(contains(refusal("a,b\n1,2\n", {.names = {"x"}}), "names do not fit the file; got 1 names, expected 2"));
  for (const char c : {'"', '\n', '\r', '\xe4'}) CHECK_THROWS_AS(parse("a\n", {.delimiter = c}), ValueError);
  CHECK(contains(message<IoError>([] { data::load_csv("/nonexistent.csv"); }), "load_csv: /nonexistent.csv: cannot open"));
}

TEST_CASE("csv: columns that are not there or not numbers") {
  const Table table = parse("a,b\n1,x\n");
  CHECK(message<ValueError>([&] { table.tensor("c"); }) == "Table: unknown column; got \"c\", expected one of a, b");
  CHECK(contains(message<ValueError>([&] { table.matrix({"a", "b"}); }), "got text in \"b\" (\"x\", ...)"));
  CHECK_THROWS_AS(table.matrix({}), ValueError);
  CHECK_THROWS_AS(Table({{"a", ColumnType::real, std::vector<double>{1}}, {"b", ColumnType::real, std::vector<double>{}}}),
                  ShapeError);
  CHECK_THROWS_AS(Table({{"a", ColumnType::real, std::vector<double>{1}}, {"a", ColumnType::real, std::vector<double>{2}}}),
                  ValueError);
  CHECK(Table().rows() == 0);
}

TEST_CASE("csv: written and read again, to the bit") {
  const Folder folder;
  const Table table({{"whole, number", ColumnType::integer, std::vector<int64_t>{1, INT64_MIN, 0}},
                     {"real", ColumnType::real, std::vector<double>{0.1, 5e-324, std::numeric_limits<double>::quiet_NaN()}},
                     {"round", ColumnType::real, std::vector<double>{1, 2, std::numeric_limits<double>::infinity()}},
                     {"truth", ColumnType::boolean, std::vector<int64_t>{1, 0, 1}},
                     {"text", ColumnType::text, Words{"", "NA", "a \"b\",\r\nc"}}});
  for (const std::string name : {"a.csv", "b.tsv"}) {
    const char delimiter = name == "a.csv" ? ',' : '\t';
    data::save_csv(folder / name, table, {.delimiter = delimiter});
    const Table again = data::load_csv(folder / name, {.delimiter = delimiter});
    CHECK(again.names() == table.names());
    for (const data::Column& column : table.columns()) {
      INFO(column.name);
      CHECK(again.column(column.name).type == column.type);
      if (column.type == ColumnType::text) CHECK(again.strings(column.name) == table.strings(column.name));
      else CHECK(identical(again.tensor(column.name), table.tensor(column.name)));
    }
  }
  data::save_csv(folder / "t.csv", {"x", "y"}, Tensor({{1, 2}, {3, 4}}));
  CHECK(read_file(folder / "t.csv") == "x,y\n1,2\n3,4\n");
  data::save_csv(folder / "t.csv", {"x"}, Tensor(std::vector<float>{0.5f, std::nanf("")}, {2, 1}), {.header = false});
  CHECK(read_file(folder / "t.csv") == "0.5\nNaN\n");
  CHECK_THROWS_AS(data::save_csv(folder / "t.csv", {"x"}, Tensor({1, 2})), ShapeError);
  CHECK_THROWS_AS(data::save_csv(folder / "no/t.csv", table), IoError);
  CHECK(folder.entries() == 3);
}

}  // namespace
}  // namespace gradus::test
