// The sealed table: every public operation is documented and tried, and docs/ops.md says what the headers and the table say.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "autograd/op_table.h"
#include "tests/autograd/op_rows.h"
#include "tests/support/declarations.h"

namespace gradus::test {
namespace {

const std::filesystem::path kTree = GRADUS_TREE;

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  REQUIRE_MESSAGE(file.good(), path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Header {
  std::string name;
  std::vector<Declaration> functions;
};

const std::vector<Header>& headers() {
  static const std::vector<Header> all = [] {
    std::vector<Header> out;
    for (const char* name : {"ops.h", "ordering.h", "rearrange.h", "linalg.h", "convolution.h", "normalization.h"})
      out.push_back({name, declarations(read(kTree / "autograd" / name))});
    return out;
  }();
  return all;
}

bool is_operator(const Declaration& d) { return d.name.starts_with("operator"); }

TEST_CASE("op page: every public operation says what it does") {
  for (const Header& header : headers()) {
    CHECK(!header.functions.empty());
    for (const Declaration& d : header.functions)
      CHECK_MESSAGE((!d.doc.empty() || is_operator(d)), header.name, ": ", d.name, " has no comment");
  }
}

TEST_CASE("op page: every public operation has a row") {
  if (std::getenv("GRADUS_ROW")) return;
  std::set<std::string> rows;
  for (const Row& row : all_rows()) rows.insert(operation(row));
  for (const Header& header : headers())
    for (const Declaration& d : header.functions)
      CHECK_MESSAGE((rows.count(d.name) == 1 || is_operator(d)), header.name, ": no row of tests/autograd/op_rows_*.cpp tries ",
                    d.name);
}

TEST_CASE("op page: every public operation is tried with bad arguments") {
  if (std::getenv("GRADUS_ROW")) return;
  std::set<std::string> refused;
  for (const Row& row : all_rows())
    if (!row.errors.empty()) refused.insert(operation(row));
  for (const Header& header : headers())
    for (const Declaration& d : header.functions)
      CHECK_MESSAGE((refused.count(d.name) == 1 || is_operator(d)), header.name, ": no row of ", d.name, " has a bad call");
}

std::string escaped(std::string text) {
  for (size_t i = text.find('|'); i != std::string::npos; i = text.find('|', i + 2)) text.insert(i, "\\");
  return text;
}

std::string numbers(const std::vector<int>& list) {
  std::string out;
  for (const int k : list) out += (out.empty() ? "" : ", ") + std::to_string(k);
  return out.empty() ? "-" : out;
}

std::string page() {
  std::ostringstream out;
  out << "# Operations\n\nWritten by `tests/autograd/op_page_test.cpp` from the headers and from `all_ops()`; do not edit.\n"
         "With `GRADUS_WRITE_DOCS=1` in the environment the test writes the page anew.\n";
  for (const Header& header : headers()) {
    std::string section, last;
    for (const Declaration& d : header.functions) {
      if (is_operator(d)) continue;
      if (d.section != section || &d == header.functions.data()) {
        section = d.section;
        const size_t title = section.find_first_of(".:;");
        out << "\n## " << section.substr(0, title) << "\n\n`<gradus/autograd/" << header.name << ">`";
        if (title != std::string::npos && title + 2 < section.size()) out << ": " << section.substr(title + 2);
        out << "\n\n| function | what it does |\n|---|---|\n";
        last.clear();
      }
      const std::string row = "| `" + escaped(d.name + "(" + d.parameters + ")") + "` | " + escaped(d.doc) + " |\n";
      if (row != last) out << row;  // overloads that differ in types alone
      last = row;
    }
  }
  const std::vector<OpInfo> ops = all_ops();
  const auto differentiable = std::count_if(ops.begin(), ops.end(), [](const OpInfo& op) { return op.order != 0; });
  size_t bad = 0, pinned = 0;
  for (const Row& row : all_rows()) {
    bad += row.errors.size();
    for (const Special& special : row.specials) pinned += special.values.size();
  }
  out << "\n## What a tape records\n\nThe functions above are made of these " << ops.size() << " operations, of which "
      << differentiable << " have derivatives, of every order. They are tried by\n"
      << all_rows().size() << " rows of `tests/autograd/op_rows_*.cpp`, with " << pinned << " pinned points and " << bad
      << " calls that must fail, each with its message.\n\n| operation | family | inputs | gradient flows to | broadcasts "
         "|\n|---|---|---|---|---|\n";
  for (const OpInfo& op : ops)
    out << "| " << op.name << " | " << op.family << " | " << (op.inputs == OpInfo::kAnyNumber ? "any" : std::to_string(op.inputs))
        << " | " << (op.inputs == OpInfo::kAnyNumber && op.order != 0 ? "all" : numbers(op.differentiable)) << " | "
        << (op.broadcasts ? "yes" : "") << " |\n";
  return out.str();
}

TEST_CASE("op page: docs/ops.md is up to date") {
  if (std::getenv("GRADUS_ROW")) return;
  const std::filesystem::path path = kTree / "docs" / "ops.md";
  if (std::getenv("GRADUS_WRITE_DOCS")) std::ofstream(path) << page();
  CHECK_MESSAGE(read(path) == page(), "write it anew: GRADUS_WRITE_DOCS=1 tests/run --test-case='op page*'");
}

TEST_CASE("op page: the table itself") {
  const std::vector<OpInfo> ops = all_ops();
  std::set<std::string_view> names;
  for (const OpInfo& op : ops) {
    INFO("operation ", op.name);
    CHECK(names.insert(op.name).second);
    CHECK(!op.family.empty());
    CHECK((op.inputs == OpInfo::kAnyNumber || op.inputs >= 1));
    for (const int k : op.differentiable) CHECK((op.inputs == OpInfo::kAnyNumber || k < op.inputs));
    CHECK((op.order == 0) == op.differentiable.empty());
  }
  CHECK(ops.size() > 80);
}

TEST_CASE("declarations: what the parser makes of a header") {
  const auto found = declarations(
      "\n// Sums: of\n// numbers\n\n/// Adds\n/// up.\nTensor sum(const Tensor& x, const Axes& axes = {},\n           bool "
      "keepdims = "
      "false);\n"
      "Tensor total(const Tensor& x);\n\nTensor bare(int n);\nTensor b(const std::vector<std::pair<int, int>>& w);  // "
      "behind\nTensor c();\n");
  REQUIRE(found.size() == 5);
  CHECK(found[0].section == "Sums: of numbers");
  CHECK(found[0].name == "sum");
  CHECK(found[0].parameters == "x, axes = {}, keepdims = false");
  CHECK(found[0].doc == "Adds up.");
  CHECK(found[1].doc == "Adds up.");
  CHECK(found[2].doc.empty());
  CHECK(found[3].parameters == "w");
  CHECK(found[3].doc == "behind");
  CHECK(found[4].doc.empty());
}

}  // namespace
}  // namespace gradus::test
