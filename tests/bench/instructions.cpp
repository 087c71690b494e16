#include "tests/bench/instructions.h"

#include <unistd.h>

#ifdef __linux__
#include <linux/perf_event.h>
#include <sys/syscall.h>
#endif

namespace gradus::bench {

InstructionCounter::InstructionCounter() {
#ifdef __linux__
  perf_event_attr event{};
  event.type = PERF_TYPE_HARDWARE;
  event.size = sizeof event;
  event.config = PERF_COUNT_HW_INSTRUCTIONS;
  event.exclude_kernel = 1;
  event.exclude_hv = 1;
  event.inherit = 1;
  file_ = static_cast<int>(syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
#endif
}

InstructionCounter::~InstructionCounter() {
  if (file_ >= 0) close(file_);
}

int64_t InstructionCounter::read() const {
  int64_t count = 0;
  return file_ >= 0 && ::read(file_, &count, sizeof count) == sizeof count ? count : -1;
}

}  // namespace gradus::bench
