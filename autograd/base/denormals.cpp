#include "autograd/base/denormals.h"

#include <cstdint>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace gradus::detail {
namespace {

#if defined(__SSE2__)
constexpr uint64_t kFlush = 0x8040;  // MXCSR: results (FTZ) and operands (DAZ)
uint64_t read_control() { return _mm_getcsr(); }
void write_control(uint64_t bits) { _mm_setcsr(static_cast<unsigned>(bits)); }
#elif defined(__aarch64__)
constexpr uint64_t kFlush = 1u << 24;  // FPCR: FZ, both
uint64_t read_control() {
  uint64_t bits;
  asm volatile("mrs %0, fpcr" : "=r"(bits));
  return bits;
}
void write_control(uint64_t bits) { asm volatile("msr fpcr, %0" : : "r"(bits)); }
#else
constexpr uint64_t kFlush = 0;  // no such mode
uint64_t read_control() { return 0; }
void write_control(uint64_t) {}
#endif

}  // namespace

bool flushes_denormals() { return kFlush != 0 && (read_control() & kFlush) == kFlush; }

void flush_denormals(bool flush) {
  const uint64_t bits = read_control();
  write_control(flush ? bits | kFlush : bits & ~kFlush);
}

}  // namespace gradus::detail
