#include "nn/weights.h"

#include "data/safetensors.h"

namespace gradus::nn {

void save_weights(const Module& module, const std::string& path) {
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, variable] : detail::variables_by_name("save_weights", module)) tensors.emplace(name, variable.value());
  data::save_safetensors(path, tensors);
}

void load_weights(const Module& module, const std::string& path) {
  constexpr std::string_view op = "load_weights";
  const std::map<std::string, Variable> variables = detail::variables_by_name(op, module);
  const std::map<std::string, Tensor> tensors = data::load_safetensors(path).tensors;
  if (const std::string report = detail::differences(variables, tensors); !report.empty())
    fail<ValueError>(op, path, " does not fit the module:", report);
  for (const auto& [name, variable] : variables) variable.assign(tensors.at(name));
}

}  // namespace gradus::nn
