#include "nn/regularizer.h"

#include <array>
#include <cmath>

#include "autograd/ops.h"
#include "optim/lookup.h"

namespace gradus::nn {
namespace {

struct Known {
  std::string_view name;
  Regularizer (*make)();
};

constexpr std::array<Known, 3> kRegularizers{{
    {"l1", [] { return l1(); }},
    {"l2", [] { return l2(); }},
    {"l1_l2", [] { return l1_l2(); }},
}};

void check(std::string_view op, double factor) {
  if (!(factor >= 0) || std::isinf(factor))
    fail<ValueError>(op, "factor out of range; got ", factor, ", expected a finite value >= 0");
}

}  // namespace

Regularizer::Regularizer(std::string_view name)
    : Regularizer(gradus::detail::find_by_name("Regularizer", "regularizer", name, kRegularizers).make()) {}

Regularizer l1(double factor) {
  check("l1", factor);
  return [factor](const Tensor& w) { return factor * sum(abs(w)); };
}

Regularizer l2(double factor) {
  check("l2", factor);
  return [factor](const Tensor& w) { return factor * sum(square(w)); };
}

Regularizer l1_l2(double l1_factor, double l2_factor) {
  check("l1_l2", l1_factor);
  check("l1_l2", l2_factor);
  return [l1_factor, l2_factor](const Tensor& w) { return l1_factor * sum(abs(w)) + l2_factor * sum(square(w)); };
}

}  // namespace gradus::nn
