#include "nn/layer.h"

namespace gradus::nn {

void Layer::build(const Shape&) {}

void Layer::set_name(std::string_view name) {
  if (name.find('.') != std::string_view::npos)
    fail<ValueError>(type(), "dot in a name; got \"", name,
                     "\", expected a name without dots; they separate the parts of a path");
  name_ = name;
}

std::string detail::default_name(std::string_view type) {
  std::string out;
  for (const char c : type) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !out.empty()) out += '_';
    out += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

}  // namespace gradus::nn
