#include "nn/weight_names.h"

#include <algorithm>
#include <ostream>
#include <set>
#include <utility>

#include "autograd/tape.h"
#include "data/npy.h"
#include "data/safetensors.h"
#include "nn/layer.h"
#include "nn/weight_forms.h"
#include "nn/weights.h"

namespace gradus::nn {
namespace {

using detail::Parts;

/// A variable and the tensors it is stored as.
struct Entry {
  detail::StoredPlace at;
  detail::StoredForm form;
  std::vector<std::string> names;
};

std::string joined(const std::vector<std::string>& parts, char separator) {
  std::string out;
  for (const std::string& part : parts) (out += part) += separator;
  return out;
}

/// A name in the file, its beginning replaced as the options say: the longest that fits.
std::string renamed(const std::string& here, const std::string& default_prefix, const std::string& part, char separator,
                    const WeightOptions& options) {
  const size_t dot = here.rfind('.');
  const std::string layer = dot == std::string::npos ? "" : here.substr(0, dot);
  const std::pair<const std::string, std::string>* best = nullptr;
  for (const auto& rule : options.rename) {
    const bool fits = layer == rule.first || layer.starts_with(rule.first + ".");
    if (fits && (!best || rule.first.size() > best->first.size())) best = &rule;
  }
  if (!best) return default_prefix + part;
  std::string rest = layer.substr(best->first.size());
  std::ranges::replace(rest, '.', separator);
  return best->second + rest + separator + part;
}

std::vector<Entry> entries_of(std::string_view op, const Module& module, const WeightOptions& options) {
  static_cast<void>(detail::variables_by_name(op, module));  // refuses modules without variables, and names that come twice
  std::vector<detail::StoredPlace> places = detail::find_places(module);
  std::vector<Entry> out;
  for (detail::StoredPlace& at : places) {
    const bool torch = options.convention == WeightNames::torch, keras = options.convention == WeightNames::keras;
    detail::StoredForm form = torch ? detail::torch_form(at) : detail::StoredForm{.parts = {at.part}};
    if (keras && detail::is_recurrent(at.type)) at.keras.push_back(detail::default_name(at.type) + "_cell");
    const char separator = keras ? '/' : '.';
    const std::string here = at.path.substr(0, at.path.size() - at.part.size());
    const std::string prefix = torch ? joined(at.torch, '.') : keras ? joined(at.keras, '/') : here;
    std::vector<std::string> names;
    for (const std::string& part : form.parts) names.push_back(renamed(at.path, prefix, part, separator, options));
    out.push_back({std::move(at), std::move(form), std::move(names)});
  }
  return out;
}

bool is_npz(const std::string& path) { return path.ends_with(".npz"); }

/// Keras' names as they differ from version to version, made alike: no ":0", no cells, no underscores.
std::string plain(std::string_view name) {
  if (name.ends_with(":0")) name.remove_suffix(2);
  std::string out;
  while (!name.empty()) {
    const size_t end = std::min(name.find('/'), name.size());
    std::string_view component = name.substr(0, end);
    name.remove_prefix(std::min(end + 1, name.size()));
    if (component.ends_with("_cell")) continue;
    if (!out.empty()) out += '/';
    out += component;
  }
  // "conv2_d" and "conv2d", "kernel" and "kernel"
  const size_t part = out.rfind('/');
  std::string head = out.substr(0, part == std::string::npos ? 0 : part);
  std::erase(head, '_');
  return part == std::string::npos ? out : head + out.substr(part);
}

/// The file's tensors under the names that the entries ask for.
std::map<std::string, Tensor> by_wanted_names(std::map<std::string, Tensor> tensors, const std::vector<Entry>& entries,
                                              WeightNames convention) {
  std::erase_if(tensors, [&](const auto& item) {
    return item.first.ends_with("num_batches_tracked") || item.first.find("seed_generator") != std::string::npos;
  });
  if (convention != WeightNames::keras) return tensors;
  std::map<std::string, std::string> wanted;  // made alike -> as asked for
  for (const Entry& entry : entries)
    for (const std::string& name : entry.names) wanted.emplace(plain(name), name);
  const auto matches = [&](auto simplify) {
    return std::ranges::count_if(tensors, [&](const auto& item) { return wanted.contains(simplify(item.first)); });
  };
  const auto whole = [](const std::string& name) { return plain(name); };
  const auto without_model = [](const std::string& name) {
    return plain(name.substr(std::min(name.find('/') + 1, name.size())));
  };
  const bool strip = matches(without_model) > matches(whole);
  std::map<std::string, Tensor> out;
  for (auto& [name, value] : tensors) {
    const auto found = wanted.find(strip ? without_model(name) : whole(name));
    out.emplace(found == wanted.end() ? name : found->second, value);
  }
  return out;
}

WeightReport::Line line_of(const Entry& entry, const Parts& stored, std::string how) {
  WeightReport::Line line{entry.at.path, {}, std::move(how)};
  for (size_t i = 0; i < stored.size(); ++i) line.stored.push_back(text(entry.names[i], " ", stored[i].shape()));
  return line;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const WeightReport& report) {
  for (const WeightReport::Line& line : report.lines) {
    out << line.name << ": ";
    for (size_t i = 0; i < line.stored.size(); ++i) out << (i > 0 ? " and " : "") << line.stored[i];
    out << (line.how.empty() ? "" : ", ") << line.how << "\n";
  }
  return out;
}

WeightReport save_weights(const Module& module, const std::string& path, const WeightOptions& options) {
  constexpr std::string_view op = "save_weights";
  const NoRecord pause;
  WeightReport report;
  std::map<std::string, Tensor> tensors;
  for (const Entry& entry : entries_of(op, module, options)) {
    const Parts stored = entry.form.write(entry.at.variable.value());
    for (size_t i = 0; i < stored.size(); ++i)
      if (!tensors.emplace(entry.names[i], stored[i].contiguous()).second)
        fail<ValueError>(op, "two variables of one name; got \"", entry.names[i],
                         "\" again, expected different names; see rename");
    report.lines.push_back(line_of(entry, stored, entry.form.how));
  }
  if (is_npz(path)) data::save_npz(path, tensors);
  else data::save_safetensors(path, tensors);
  return report;
}

WeightReport load_weights(const Module& module, const std::string& path, const WeightOptions& options) {
  constexpr std::string_view op = "load_weights";
  const NoRecord pause;
  const std::vector<Entry> entries = entries_of(op, module, options);
  const std::map<std::string, Tensor> tensors =
      by_wanted_names(is_npz(path) ? data::load_npz(path) : data::load_safetensors(path).tensors, entries, options.convention);

  WeightReport report;
  std::vector<Tensor> values;
  std::set<std::string> used;
  std::string problems;
  for (const Entry& entry : entries) {
    const Parts expected = entry.form.write(entry.at.variable.value());
    const DType dtype = entry.at.variable.dtype();
    Parts stored;
    std::string how = entry.form.how;
    for (size_t i = 0; i < expected.size(); ++i) {
      const auto found = tensors.find(entry.names[i]);
      const std::string wanted = text("expected ", dtype, " ", expected[i].shape(), " for ", entry.at.path);
      if (found == tensors.end()) {
        problems += text("\n  ", entry.names[i], ": got nothing, ", wanted);
        continue;
      }
      used.insert(entry.names[i]);
      Tensor value = found->second;
      // Keras keeps the heads of an attention layer apart.
      if (entry.at.owner == "MultiHeadAttention" && value.shape() != expected[i].shape() && value.size() == expected[i].size()) {
        value = value.reshape(expected[i].shape());
        how = "heads joined";
      }
      const bool converts = is_floating(value.dtype()) && is_floating(dtype);
      if (value.shape() != expected[i].shape() || (value.dtype() != dtype && !converts)) {
        problems += text("\n  ", entry.names[i], ": got ", value.dtype(), " ", value.shape(), ", ", wanted);
        continue;
      }
      if (value.dtype() != dtype) how += text(how.empty() ? "" : ", ", "converted from ", value.dtype());
      stored.push_back(value.astype(dtype));
    }
    if (stored.size() != expected.size()) continue;
    values.push_back(entry.form.read(stored).contiguous());
    report.lines.push_back(line_of(entry, stored, std::move(how)));
  }
  for (const auto& [name, value] : tensors)
    if (!used.contains(name)) problems += text("\n  ", name, ": got ", value.dtype(), " ", value.shape(), ", expected nothing");
  if (!problems.empty()) fail<ValueError>(op, path, " does not fit the module:", problems);
  for (size_t i = 0; i < entries.size(); ++i) entries[i].at.variable.assign(values[i]);
  return report;
}

}  // namespace gradus::nn
