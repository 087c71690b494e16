// The promise of docs/accuracy.md: no pointwise function of float32 is off by more than 4 units in the last place.
#include <doctest/doctest.h>

#include "tests/accuracy/measure.h"

namespace gradus::test {
namespace {

TEST_CASE("float32 is within 4 units in the last place") {
  for (const Measured& m : measure(400009, 1, 2000)) {
    INFO(m.name, " at ", m.at32[0], ", ", m.at32[1]);
    CHECK(m.worst32 <= 4);
  }
}

}  // namespace
}  // namespace gradus::test
