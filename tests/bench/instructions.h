// Instructions counted by the processor.
#pragma once

#include <cstdint>

namespace gradus::bench {

/// Counts user-mode instructions of this thread and of threads it starts from now on; where the system gives no such counter
/// (virtual machines, perf_event_paranoid), read() is -1.
class InstructionCounter {
 public:
  InstructionCounter();
  ~InstructionCounter();
  InstructionCounter(const InstructionCounter&) = delete;
  InstructionCounter& operator=(const InstructionCounter&) = delete;

  int64_t read() const;

 private:
  int file_ = -1;
};

}  // namespace gradus::bench
