#include "nn/bidirectional.h"

#include <array>

#include "autograd/ops.h"
#include "optim/lookup.h"

namespace gradus::nn {
namespace {

struct Known {
  std::string_view name;
  Tensor (*merge)(const Tensor& a, const Tensor& b);
};

constexpr std::array<Known, 4> kModes{{{"concat",
                                        [](const Tensor& a, const Tensor& b) {
                                          return concat({a, b}, -1);
                                        }},
                                       {"sum", [](const Tensor& a, const Tensor& b) { return a + b; }},
                                       {"mul", [](const Tensor& a, const Tensor& b) { return a * b; }},
                                       {"ave", [](const Tensor& a, const Tensor& b) { return (a + b) / 2; }}}};

}  // namespace

Bidirectional::Bidirectional(Recurrent layer, Options options)
    : forward_(std::move(layer)),
      backward_(forward_.reversed()),
      merge_(gradus::detail::find_by_name("Bidirectional", "merge mode", options.merge_mode, kModes).merge),
      widens_(options.merge_mode == "concat") {
  if (!options.name.empty()) set_name(options.name);
}

Tensor Bidirectional::call(const Tensor& x, bool training) {
  const Tensor there = forward_.call(x, training), back = backward_.call(x, training);
  return merge_(there, forward_.options().return_sequences ? flip(back, 1) : back);
}

Shape Bidirectional::output_shape(const Shape& input) const {
  Shape out = forward_.output_shape(input);
  if (widens_) out[out.ndim() - 1] *= 2;
  return out;
}

void Bidirectional::build(const Shape& input) {
  forward_.build(input);
  backward_.build(input);
}

void Bidirectional::visit(Visitor& v) {
  v("forward", forward_);
  v("backward", backward_);
}

}  // namespace gradus::nn
