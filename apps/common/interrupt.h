// Interrupt: Ctrl-C as a question that a training loop asks; Stopwatch.
#pragma once

#include <signal.h>

#include <chrono>

namespace gradus::apps {

/// Leaves a program whose user pressed Ctrl-C; run() turns it into a message and the exit code.
struct Interrupted {};

/// True once Ctrl-C was pressed; a second Ctrl-C ends the program at once.
class Interrupt {
 public:
  Interrupt() {
    struct sigaction action {};
    action.sa_handler = [](int) { pressed_ = 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, nullptr);
  }
  bool pressed() const { return pressed_ != 0; }
  /// Throws Interrupted once Ctrl-C was pressed: where there is nothing to save.
  void check() const {
    if (pressed()) throw Interrupted();
  }

 private:
  inline static volatile sig_atomic_t pressed_ = 0;
};

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace gradus::apps
