// What the libFuzzer targets share: an input in memory goes to a reader, which may refuse it with an IoError and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "data/readers.h"

namespace gradus::fuzz {

/// Runs parse(source); any other exception than IoError ends the process, which libFuzzer reports.
template <class Parse>
int run(const uint8_t* bytes, size_t n, const Parse& parse) {
  const data::io::MemorySource source({"fuzz", "input"}, std::as_bytes(std::span(bytes, n)));
  try {
    parse(source);
  } catch (const IoError&) {
  }
  return 0;
}

}  // namespace gradus::fuzz
