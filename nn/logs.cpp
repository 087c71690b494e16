#include "nn/logs.h"

#include "autograd/base/error.h"

namespace gradus::nn {
namespace {

template <class Map>
const auto& at(std::string_view op, const Map& map, std::string_view name) {
  const auto found = map.find(name);
  if (found != map.end()) return found->second;
  std::string known;
  for (const auto& [key, value] : map) known += (known.empty() ? "" : ", ") + key;
  fail<ValueError>(op, "no value of this name; got \"", name, "\", expected one of ", known.empty() ? "none" : known);
}

}  // namespace

double Logs::operator[](std::string_view name) const { return at("Logs", values_, name); }

void Logs::set(std::string_view name, double value) {
  if (const auto found = values_.find(name); found != values_.end()) found->second = value;
  else values_.emplace(name, value);
}

const std::vector<double>& History::operator[](std::string_view name) const { return at("History", history_, name); }

void History::add(int64_t epoch, const Logs& logs) {
  epochs_.push_back(epoch);
  for (const auto& [name, value] : logs) history_[name].push_back(value);
}

}  // namespace gradus::nn
