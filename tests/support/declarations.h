// The functions a public header declares, with what their comments say: enough of a parser for our own headers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gradus::test {

struct Declaration {
  std::string section;  // the last comment that stands between empty lines
  std::string name;
  std::string parameters;  // names and defaults, without types: "x, axis = -1"
  std::string doc;         // the comment behind it or the "///" lines above it, which also hold for what follows at once
};

/// In the order of the text. Functions that return a Tensor, a vector of them, or a struct of the header.
std::vector<Declaration> declarations(std::string_view header);

}  // namespace gradus::test
