// An expression as a list of kernel calls, run block by block so that what lies between its inputs and its results never leaves
// the first cache.
#pragma once

#include "autograd/fused/expression.h"
#include "autograd/kernels/pairs.h"

namespace gradus::detail {

class Program {
 public:
  /// The values of `outputs` for an expression with inputs numbered below `inputs`.
  Program(const Expression& expression, std::span<const uint32_t> outputs, size_t inputs);

  /// Contiguous elements, or one that is repeated.
  struct Input {
    const std::byte* data;
    bool repeated;
  };
  /// Contiguous elements, or (data null) their sum.
  struct Result {
    std::byte* data;
    double sum = 0;
  };
  /// For `size` elements of float32 or float64. Sums add up fixed blocks in order: the same bits for any number of threads.
  void run(DType dtype, std::span<const Input> inputs, std::span<Result> results, int64_t size) const;

 private:
  class Planner;
  struct Frame;

  /// Values have places: inputs, results, constants, registers, in this order.
  struct Call {
    std::array<kernels::Kernel, 2> kernels;  // for float32, float64
    uint16_t out;
    std::array<uint16_t, 3> args;
  };
  size_t first_constant() const { return inputs_ + results_; }
  size_t first_register() const { return first_constant() + constants_.size(); }
  size_t places() const { return first_register() + registers_; }

  size_t inputs_, results_, registers_ = 0;
  std::vector<double> constants_;
  std::vector<float> narrow_constants_;  // the same
  std::vector<Call> calls_;
};

}  // namespace gradus::detail
