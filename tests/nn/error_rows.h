// Tables of bad input: what is wrong, and a part of the message it must give.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "autograd/base/error.h"

namespace gradus::test {

struct WrongCall {
  std::string what;
  std::function<void()> run;
  std::string part = {};  // of the message
};

inline constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// "op: what; got ..., expected ..." with the part.
inline void check_rows(const std::vector<WrongCall>& rows) {
  for (const WrongCall& row : rows) {
    CAPTURE(row.what);
    std::string said = "nothing thrown";
    try {
      row.run();
    } catch (const Error& error) {
      said = error.what();
    } catch (const std::exception& error) {
      said = text("not one of our errors: ", error.what());
    }
    CAPTURE(said);
    const size_t colon = said.find(": "), got = said.find("got "), expected = said.find("expected ");
    CHECK((colon != std::string::npos && got != std::string::npos && expected != std::string::npos));
    CHECK((colon < got && got < expected));
    CHECK(said.find(row.part) != std::string::npos);
  }
}

}  // namespace gradus::test
