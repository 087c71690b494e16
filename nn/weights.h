// Weights of any module in one safetensors file, under their dotted names.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "nn/module.h"

namespace gradus::nn {

/// Writes every variable of `module` ("hidden.kernel", ...). The file is replaced at once or not at all. ValueError for a module
/// without variables (a lazily built one has them after its first call) or two variables of one name; IoError when it cannot be
/// written.
void save_weights(const Module& module, const std::string& path);

/// Reads what save_weights wrote. Strict: ValueError listing every variable the file lacks, every tensor the module lacks, and
/// every one of another shape or dtype; no variable changes then. IoError for a file that is missing or malformed.
void load_weights(const Module& module, const std::string& path);

namespace detail {
/// Every variable of `module` by its dotted name. ValueError naming `op` where there is none, or two of one name.
std::map<std::string, Variable> variables_by_name(std::string_view op, const Module& module);
/// A line for each variable that `tensors` lack, each tensor too many, each of another shape or dtype; empty when all fit.
std::string differences(const std::map<std::string, Variable>& variables, const std::map<std::string, Tensor>& tensors);
}  // namespace detail

}  // namespace gradus::nn
