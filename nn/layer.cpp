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
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  std::string out;
  for (size_t i = 0; i < type.size(); ++i) {
    // A word starts at a capital beside a small letter: a digit or another capital before it joins them.
    const bool beside = i > 0 && (lower(type[i - 1]) || (i + 1 < type.size() && lower(type[i + 1])));
    if (upper(type[i]) && beside) out += '_';
    out += upper(type[i]) ? static_cast<char>(type[i] - 'A' + 'a') : type[i];
  }
  return out;
}

}  // namespace gradus::nn
