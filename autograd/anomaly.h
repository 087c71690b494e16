// AnomalyMode: finds where the first NaN or infinity comes from.
//
// While one lives, everything this thread records is checked as it is made, and so is every gradient on its way back. The first
// value that is not finite although everything it came from is throws TapeError, which names the operation, the element, the
// shapes of the inputs and the line of the call:
//
//   AnomalyMode anomaly;
//   GradientTape tape;
//   Tensor loss = mean(log(x));
//   // TapeError: log: first nan in the forward pass; got -1 -> nan at element [3], expected finite values;
//   // input 'x' [4] float32; at train.cpp:42 (in main)
//
// An input that contains NaN already is named as the culprit. Infinities that come from infinite inputs pass: a mask of -inf is
// meant. Not checked: what no tape records, and constants. Nothing of the failed operation stays on the tape, which may go on.
// A checked result costs one more pass over it and some microseconds for noting the call; see graph.h for what a line needs.
// Without an AnomalyMode nothing is checked and nothing costs.
#pragma once

namespace gradus {

/// Per thread; made and destroyed on the same one. They nest.
class AnomalyMode {
 public:
  AnomalyMode();
  ~AnomalyMode();
  AnomalyMode(const AnomalyMode&) = delete;
  AnomalyMode& operator=(const AnomalyMode&) = delete;
};

}  // namespace gradus
