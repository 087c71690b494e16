// Weights of any module in one safetensors file, under their dotted names.
#pragma once

#include <string>

#include "nn/module.h"

namespace gradus::nn {

/// Writes every variable of `module` ("hidden.kernel", ...). The file is replaced at once or not at all. ValueError for a module
/// without variables (a lazily built one has them after its first call) or two variables of one name; IoError when it cannot be
/// written.
void save_weights(const Module& module, const std::string& path);

/// Reads what save_weights wrote. Strict: ValueError listing every variable the file lacks, every tensor the module lacks, and
/// every one of another shape or dtype; no variable changes then. IoError for a file that is missing or malformed.
void load_weights(const Module& module, const std::string& path);

}  // namespace gradus::nn
