#include "nn/options.h"

#include <cmath>
#include <string>

#include "autograd/base/error.h"

namespace gradus::nn::detail {

void check_taken(std::string_view op, std::span<const GivenOption> options, unsigned taken) {
  for (const GivenOption& option : options) {
    if (!option.given || (taken & option.bit)) continue;
    std::string known;
    for (const GivenOption& other : options)
      if (taken & other.bit) known += text(known.empty() ? "" : ", ", other.name);
    fail<ValueError>(op, "an option that does not belong here; got ", option.name, ", expected ", known.empty() ? "none" : known);
  }
}

void check_range(std::string_view op, std::string_view what, double value, double low, double high) {
  if (value >= low && value <= high) return;
  if (std::isinf(high)) fail<ValueError>(op, what, " out of range; got ", value, ", expected >= ", low);
  fail<ValueError>(op, what, " out of range; got ", value, ", expected [", low, ", ", high, "]");
}

}  // namespace gradus::nn::detail
