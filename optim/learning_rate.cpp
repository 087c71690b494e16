#include "optim/learning_rate.h"

#include <cmath>

#include "autograd/base/error.h"

namespace gradus::optim {
namespace {

double checked(std::string_view what, double rate) {
  if (!(rate >= 0) || std::isinf(rate))
    fail<ValueError>("optimizer", what, " out of range; got ", rate, ", expected a finite value >= 0");
  return rate;
}

}  // namespace

LearningRate::LearningRate(double value) : value_(checked("learning rate", value)) {}

double LearningRate::at(int64_t step) const {
  return schedule_ ? checked(text("learning rate of the schedule at step ", step), schedule_(step)) : value_;
}

}  // namespace gradus::optim
