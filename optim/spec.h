// Spec: an optimiser as an option, by name or as an object; and optim::make.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <string_view>

#include "optim/optimizer.h"

namespace gradus::optim {

/// A new optimiser with default options: "sgd", "rmsprop", "adam", "adamw", "adamax", "nadam", "radam", "adagrad", "adadelta",
/// "ftrl", "lion" or "rprop". ValueError listing these for any other name.
std::unique_ptr<Optimizer> make(std::string_view name);

/// What `compile({.optimizer = ...})` takes: a name, or an optimiser, of which it keeps a copy.
class Spec {
 public:
  Spec(const char* name) : prototype_(make(name)) {}
  Spec(const std::string& name) : prototype_(make(name)) {}
  Spec(const Optimizer& optimizer) : prototype_(optimizer.clone()) {}

  /// An independent optimiser; each call gives another.
  std::unique_ptr<Optimizer> create() const { return prototype_->clone(); }

 private:
  std::shared_ptr<const Optimizer> prototype_;
};

}  // namespace gradus::optim
