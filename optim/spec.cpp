#include "optim/spec.h"

#include <array>

#include "optim/adam.h"
#include "optim/lookup.h"
#include "optim/rmsprop.h"
#include "optim/sgd.h"

namespace gradus::optim {
namespace {

struct Known {
  std::string_view name;
  std::unique_ptr<Optimizer> (*make)();
};

template <class O>
std::unique_ptr<Optimizer> make_default() {
  return std::make_unique<O>();
}

constexpr std::array<Known, 3> kOptimizers{{
    {"sgd", make_default<SGD>},
    {"rmsprop", make_default<RMSprop>},
    {"adam", make_default<Adam>},
}};

}  // namespace

std::unique_ptr<Optimizer> make(std::string_view name) {
  return detail::find_by_name("optim::make", "optimizer", name, kOptimizers).make();
}

}  // namespace gradus::optim
