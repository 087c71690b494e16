#include "nn/lambda.h"

#include <algorithm>

#include "autograd/tensor.h"

namespace gradus::nn {

Lambda::Lambda(Options options, Function function)
    : function_(std::move(function)), output_shape_(std::move(options.output_shape)) {
  if (!options.name.empty()) set_name(options.name);
}

Shape Lambda::output_shape(const Shape& input) const {
  if (output_shape_) return output_shape_(input);
  const auto tried = [&](int64_t unknown) {
    Shape known = input;
    for (int i = 0; i < known.ndim(); ++i)
      if (known[i] < 0) known[i] = unknown;
    return function_(zeros(known), false).shape();
  };
  Shape out = tried(1);
  if (std::ranges::none_of(input, [](int64_t size) { return size < 0; })) return out;
  const Shape other = tried(2);
  if (other.ndim() != out.ndim())
    fail<ShapeError>("Lambda", "result of no fixed rank; got ", out, " and ", other, ", expected one rank");
  for (int i = 0; i < out.ndim(); ++i)
    if (out[i] != other[i]) out[i] = -1;
  return out;
}

}  // namespace gradus::nn
