#include "nn/weights.h"

#include "data/safetensors.h"

namespace gradus::nn {

std::map<std::string, Variable> detail::variables_by_name(std::string_view op, const Module& module) {
  std::map<std::string, Variable> out;
  for (const auto& [name, variable] : module.named_variables())
    if (!out.emplace(name, variable).second)
      fail<ValueError>(op, "two variables of one name; got \"", name, "\" again, expected different names from visit()");
  if (out.empty())
    fail<ValueError>(
        op, "module without variables; got none, expected at least one; lazily built layers have theirs after the first call");
  return out;
}

std::string detail::differences(const std::map<std::string, Variable>& variables, const std::map<std::string, Tensor>& tensors) {
  std::string report;
  for (const auto& [name, variable] : variables) {
    const auto found = tensors.find(name);
    const std::string wanted = text(variable.dtype(), " ", variable.shape());
    if (found == tensors.end()) {
      report += text("\n  ", name, ": got nothing, expected ", wanted);
    } else if (const Tensor& value = found->second; value.shape() != variable.shape() || value.dtype() != variable.dtype()) {
      report += text("\n  ", name, ": got ", value.dtype(), " ", value.shape(), ", expected ", wanted);
    }
  }
  for (const auto& [name, value] : tensors)
    if (!variables.contains(name))
      report += text("\n  ", name, ": got ", value.dtype(), " ", value.shape(), ", expected nothing");
  return report;
}

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
