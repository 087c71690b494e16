// Logs: named values of one epoch or one evaluation; History: those of a whole run.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus::nn {

/// Values by name, in alphabetical order: "accuracy", "loss", "val_accuracy", "val_loss".
class Logs {
 public:
  using Map = std::map<std::string, double, std::less<>>;

  /// ValueError listing the names there are for any other.
  double operator[](std::string_view name) const;
  bool contains(std::string_view name) const { return values_.contains(name); }
  void set(std::string_view name, double value);

  size_t size() const { return values_.size(); }
  Map::const_iterator begin() const { return values_.begin(); }
  Map::const_iterator end() const { return values_.end(); }

 private:
  Map values_;
};

/// What fit() returns.
class History {
 public:
  using Map = std::map<std::string, std::vector<double>, std::less<>>;

  History() = default;
  /// As it was saved.
  History(std::vector<int64_t> epochs, Map history) : epochs_(std::move(epochs)), history_(std::move(history)) {}

  /// The values of `name`, one per epoch. ValueError listing the names there are for any other.
  const std::vector<double>& operator[](std::string_view name) const;
  bool contains(std::string_view name) const { return history_.contains(name); }
  const Map& history() const { return history_; }
  /// Numbers of the epochs that were trained, from 0.
  const std::vector<int64_t>& epochs() const { return epochs_; }

  void add(int64_t epoch, const Logs& logs);

 private:
  std::vector<int64_t> epochs_;
  Map history_;
};

}  // namespace gradus::nn
