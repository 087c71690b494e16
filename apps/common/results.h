// Results: what a program found out, for people and for programs, and how every run ends.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "apps/common/between.h"
#include "apps/common/cli.h"

namespace gradus::apps {

/// A name as a key of JSON: "deep network" is "deep_network".
inline std::string key(std::string name) {
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

/// Named values in the order in which they were added.
class Results {
 public:
  Results& add(std::string_view name, double value) { return add(name, value, number(value)); }
  Results& add(std::string_view name, int64_t value) { return add(name, value, text(value)); }
  Results& add(std::string_view name, std::string_view value) { return add(name, value, std::string(value)); }

  /// One JSON object on one line, or one "name: value" per line.
  void print(bool json) const {
    if (json) json_.print();
    else std::cout << text_ << std::flush;
  }

 private:
  template <class T>
  Results& add(std::string_view name, T value, const std::string& shown) {
    json_.add(name, value);
    text_ += text(name, ": ", shown, "\n");
    return *this;
  }

  JsonLine json_;
  std::string text_;
};

/// The end of a run: shows the report and prints the results. Returns the exit code.
inline int finish(const Options& options, const Results& results, const Report& report) {
  options.show(report);
  results.print(options.json);
  return 0;
}

}  // namespace gradus::apps
