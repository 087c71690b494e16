#include "optim/spec.h"

#include <array>

#include "optim/adagrad.h"
#include "optim/adam.h"
#include "optim/adam_variants.h"
#include "optim/ftrl.h"
#include "optim/lion.h"
#include "optim/lookup.h"
#include "optim/rmsprop.h"
#include "optim/rprop.h"
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

constexpr std::array<Known, 12> kOptimizers{{
    {"sgd", make_default<SGD>},
    {"rmsprop", make_default<RMSprop>},
    {"adam", make_default<Adam>},
    {"adamw", make_default<AdamW>},
    {"adamax", make_default<Adamax>},
    {"nadam", make_default<Nadam>},
    {"radam", make_default<RAdam>},
    {"adagrad", make_default<Adagrad>},
    {"adadelta", make_default<Adadelta>},
    {"ftrl", make_default<Ftrl>},
    {"lion", make_default<Lion>},
    {"rprop", make_default<Rprop>},
}};

}  // namespace

std::unique_ptr<Optimizer> make(std::string_view name) {
  return detail::find_by_name("optim::make", "optimizer", name, kOptimizers).make();
}

}  // namespace gradus::optim
