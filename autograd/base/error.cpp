#include "autograd/base/error.h"

#include <charconv>

namespace gradus {

void append_text(std::string& out, double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, end);
}

}  // namespace gradus
