// Counts calls of the global operator new, which heap_count.cpp replaces in the program that links it.
#pragma once

#include <cstdint>

namespace gradus::testing {

/// Calls of operator new so far, of all threads.
int64_t heap_allocations();

}  // namespace gradus::testing
