// between: a range of numbers as a check of an option.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <system_error>

#include "autograd/base/error.h"

namespace gradus::apps {

/// Accepts finite numbers from `low` to `high`. CLI11's own ranges let NaN pass.
inline CLI::Validator between(double low, double high = std::numeric_limits<double>::infinity()) {
  const auto check = [low, high](const std::string& word) {
    double value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error == std::errc() && end == word.data() + word.size() && std::isfinite(value) && value >= low && value <= high)
      return std::string();
    return text("wrong value; got ", word, ", expected a number >= ", low, std::isfinite(high) ? text(" and <= ", high) : "");
  };
  return CLI::Validator(check, "");
}

}  // namespace gradus::apps
