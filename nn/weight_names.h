// Weights exchange: files in the naming and layout of PyTorch and Keras.
//
//   nn::load_weights(model, "net.safetensors", {.convention = nn::WeightNames::torch});   // of torch's model.state_dict()
//   std::cout << nn::save_weights(model, "net.npz", {.convention = nn::WeightNames::keras});
//
// Files ending in .npz are NumPy archives, all others safetensors. Layers are known by their type(); those without a counterpart
// keep their names and layout.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "nn/module.h"

namespace gradus::nn {

/// What the variables are called, and how they lie.
enum class WeightNames : uint8_t {
  gradus,  // "dense.kernel", as save_weights() without options
  torch,   // "0.weight" [out, in]: see WeightOptions; convolutions [out, in, ...]; gates of GRU reset, update, candidate
  keras,   // "dense/kernel", "lstm/lstm_cell/kernel"
};

/// PyTorch's Sequential numbers its modules and has activations as modules of their own, so an activation that ends a layer
/// counts as one: {Dense(512, relu), Dense(10)} are "0" and "2". Parts of other models keep the names of visit().
struct WeightOptions {
  WeightNames convention = WeightNames::gradus;
  std::map<std::string, std::string> rename =
      {};  // beginnings of names here ("encoder.dense") to those in the file ("backbone.fc")
};

/// What was done with each variable.
struct WeightReport {
  struct Line {
    std::string name;                 // here
    std::vector<std::string> stored;  // in the file: "0.weight [512, 784]"
    std::string how;                  // "transposed", "gates reordered", ...; empty: as it is
  };
  std::vector<Line> lines;
};
/// "dense.kernel: 0.weight [512, 784], transposed", one line each.
std::ostream& operator<<(std::ostream& out, const WeightReport& report);

/// Writes all variables. Errors as save_weights(); ValueError for a layer that the convention cannot express.
WeightReport save_weights(const Module& module, const std::string& path, const WeightOptions& options);

/// Reads all variables, of other floating dtypes too. Strict: ValueError listing all that is missing, too much, or of another
/// shape; no variable changes then. Counters of batches (torch's num_batches_tracked), seeds, a prefix common to all Keras names
/// and ":0" after them do not count.
WeightReport load_weights(const Module& module, const std::string& path, const WeightOptions& options);

}  // namespace gradus::nn
