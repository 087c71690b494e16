// How other libraries store a layer's variables: under which names, in which layout. Internal to weight_names.cpp.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "nn/module.h"

namespace gradus::nn::detail {

using Parts = std::vector<Tensor>;

/// How a variable is stored: as one tensor or as several.
struct StoredForm {
  std::vector<std::string> parts;  // names of the tensors, behind the layer's
  std::string how = {};
  std::function<Parts(const Tensor&)> write = [](const Tensor& value) { return Parts{value}; };
  std::function<Tensor(const Parts&)> read = [](const Parts& stored) { return stored[0]; };
};

/// A variable where the walk has found it.
struct StoredPlace {
  std::string path;                       // "encoder.dense.kernel"
  std::vector<std::string> torch, keras;  // the layer's names
  std::string type, owner;                // of its layer, and of the layer or module that holds that
  std::string part;                       // "kernel"
  bool reverse;                           // of the half of Bidirectional that reads backwards
  Variable variable;
};

/// LSTM, GRU, SimpleRNN.
bool is_recurrent(std::string_view type);
/// Every variable of a module once, in the order of visit().
std::vector<StoredPlace> find_places(const Module& module);
/// PyTorch's form of the variable. ValueError for one that PyTorch has no counterpart for.
StoredForm torch_form(const StoredPlace& at);

}  // namespace gradus::nn::detail
