#include "tests/support/declarations.h"

#include <cctype>
#include <sstream>

namespace gradus::test {
namespace {

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \n");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \n") - begin + 1));
}

// "const Tensor& x, int64_t axis = -1" -> "x, axis = -1"
std::string without_types(const std::string& parameters) {
  std::string out, part;
  int depth = 0;
  const auto flush = [&] {
    const size_t equals = part.find('=');
    const std::string head = trimmed(std::string_view(part).substr(0, equals));
    const size_t last = head.find_last_of(" &*>");
    if (!head.empty()) out += (out.empty() ? "" : ", ") + head.substr(last == std::string::npos ? 0 : last + 1);
    if (equals != std::string::npos) out += " = " + trimmed(std::string_view(part).substr(equals + 1));
    part.clear();
  };
  for (const char c : parameters) {
    depth += c == '(' || c == '{' || c == '<';
    depth -= c == ')' || c == '}' || c == '>';
    if (c == ',' && depth == 0) flush();
    else part += c;
  }
  flush();
  return out;
}

// Where the name ends in a line that starts a declaration, "Type name(...", and npos in any other.
size_t name_end(const std::string& line) {
  if (!std::isupper(static_cast<unsigned char>(line[0])) && !line.starts_with("std::vector<Tensor> ")) return std::string::npos;
  const size_t space = line.find(' '), open = line.find('(');
  return space != std::string::npos && open != std::string::npos && space < open ? open : std::string::npos;
}

}  // namespace

std::vector<Declaration> declarations(std::string_view header) {
  std::vector<Declaration> out;
  std::istringstream lines{std::string(header)};
  std::string line, section, doc, statement, name;
  bool after_empty = false, in_section = false,
       shared = false;  // shared: what stands above the last declaration holds for the next one, too
  while (std::getline(lines, line)) {
    if (line.empty()) {
      after_empty = true, shared = false;
      doc.clear();
      continue;
    }
    const bool fresh = after_empty;
    after_empty = false;
    in_section = in_section && !fresh && line.starts_with("// ");
    if (statement.empty()) {
      if (line.starts_with("/// ")) {
        doc += (doc.empty() ? "" : " ") + line.substr(4);
        shared = false;
        continue;
      }
      if (line.starts_with("// ")) {
        if (fresh) section = line.substr(3), in_section = true;
        else if (in_section) section += " " + line.substr(3);
        continue;
      }
      const size_t open = name_end(line);
      if (open == std::string::npos) {
        shared = false;
        doc.clear();
        continue;
      }
      const size_t space = line.rfind(' ', open);
      name = line.substr(space + 1, open - space - 1);
      line = line.substr(open + 1);
    }
    const size_t end = line.find(';');
    statement += " " + trimmed(line.substr(0, end));
    if (end == std::string::npos) continue;
    const size_t comment = line.find("// ", end);
    if (comment != std::string::npos) doc = line.substr(comment + 3), shared = false;
    else if (!doc.empty()) shared = true;
    else if (shared) doc = out.back().doc;
    out.push_back({section, name, without_types(statement.substr(0, statement.rfind(')'))), doc});
    statement.clear();
    doc.clear();
  }
  return out;
}

}  // namespace gradus::test
