#include "nn/layer.h"

namespace gradus::nn {

void Layer::build(const Shape&) {}

void Layer::set_name(std::string_view name) {
  if (name.find('.') != std::string_view::npos)
    fail<ValueError>(type(), "dot in a name; got \"", name,
                     "\", expected a name without dots; they separate the parts of a path");
  name_ = name;
}

Variable Layer::make_variable(std::string_view part, const Initializer& initializer, const Shape& shape, DType dtype) const {
  const Tensor value = initializer(shape, dtype);
  if (value.shape() != shape)
    fail<ShapeError>(type(), "initializer made the wrong shape for the ", part, "; got ", value.shape(), ", expected ", shape);
  return Variable(value, {.name = name_.empty() ? std::string(part) : text(name_, ".", part), .trainable = trainable()});
}

Variable Layer::make_buffer(std::string_view part, const Tensor& value) const {
  return Variable(value, {.name = name_.empty() ? std::string(part) : text(name_, ".", part), .trainable = false});
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
