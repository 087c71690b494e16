#include "autograd/fused/program.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "autograd/base/parallel.h"

namespace gradus::detail {
namespace {

constexpr int64_t kBlock = 512, kLeastBlock = 64;  // elements of a register
constexpr size_t kRegisterBytes = 24 << 10;        // of all registers, where blocks can be that short
constexpr size_t kLocalBytes = 32 << 10;           // on the stack

constexpr size_t rounded_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

// What one thread works with: where every value lies, and the memory of its registers.
struct Program::Frame {
  Frame(const Program& program, bool wide, size_t register_bytes, size_t more_registers) {
    const size_t tables = rounded_up(program.places() * (sizeof(std::byte*) + sizeof(int64_t)));
    const size_t bytes = tables + (program.registers_ + more_registers) * register_bytes;
    if (bytes > kLocalBytes) far = std::make_unique<std::byte[]>(bytes);
    std::byte* const memory = far ? far.get() : local;
    at = reinterpret_cast<std::byte**>(memory);
    steps = reinterpret_cast<int64_t*>(at + program.places());
    free = memory + tables;
    bytes_each = register_bytes;
    std::fill(steps, steps + program.places(), 1);
    for (size_t k = 0, p = program.first_constant(); k < program.constants_.size(); ++k, ++p) {
      const void* value = wide ? static_cast<const void*>(&program.constants_[k]) : &program.narrow_constants_[k];
      at[p] = static_cast<std::byte*>(const_cast<void*>(value));  // only read
      steps[p] = 0;
    }
    for (size_t k = 0, p = program.first_register(); k < program.registers_; ++k) at[p + k] = take();
  }
  std::byte* take() { return std::exchange(free, free + bytes_each); }

  std::byte** at;
  int64_t* steps;  // 1, or 0 for what is repeated

 private:
  std::byte* free;
  size_t bytes_each;
  std::unique_ptr<std::byte[]> far;
  alignas(64) std::byte local[kLocalBytes];
};

void Program::run(DType dtype, std::span<const Input> inputs, std::span<Result> results, int64_t size) const {
  const bool wide = dtype == DType::float64;
  const int64_t element = wide ? sizeof(double) : sizeof(float);
  const auto sums = static_cast<size_t>(std::count_if(results.begin(), results.end(), [](const Result& r) { return !r.data; }));

  // Blocks as long as all registers fit the first cache. Their length depends on the function alone.
  int64_t block = kBlock;
  while (block > kLeastBlock && (registers_ + sums) * static_cast<size_t>(block * element) > kRegisterBytes) block /= 2;
  const size_t register_bytes = rounded_up(static_cast<size_t>(std::min(block, size) * element));
  std::vector<double> partial_sums(sums * static_cast<size_t>((size + block - 1) / block));

  const auto run_part = [&](int64_t begin, int64_t end) {
    Frame frame(*this, wide, register_bytes, sums);
    for (size_t k = 0; k < inputs_; ++k) {
      frame.steps[k] = !inputs[k].repeated;
      frame.at[k] = const_cast<std::byte*>(inputs[k].data) + frame.steps[k] * begin * element;  // only read
    }
    for (size_t k = 0; k < results_; ++k)
      frame.at[inputs_ + k] = results[k].data ? results[k].data + begin * element : frame.take();

    for (int64_t i = begin; i < end; i += block) {
      const int64_t n = std::min(block, end - i);
      for (const Call& call : calls_) {
        const void* args[3];
        int64_t steps[3];
        for (size_t k = 0; k < 3; ++k) args[k] = frame.at[call.args[k]], steps[k] = frame.steps[call.args[k]];
        call.kernels[wide](frame.at[call.out], args, steps, n);
      }
      double* sum = partial_sums.data() + static_cast<size_t>(i / block) * sums;
      for (size_t k = 0; k < inputs_; ++k) frame.at[k] += frame.steps[k] * n * element;
      for (size_t k = 0; k < results_; ++k) {
        if (results[k].data) frame.at[inputs_ + k] += n * element;
        else *sum++ = kernels::block_sum(frame.at[inputs_ + k], n, dtype);
      }
    }
  };
  parallel_for(size, kGrain / 4, run_part, block);

  size_t first = 0;
  for (Result& r : results) {
    if (r.data) continue;
    for (size_t i = first; i < partial_sums.size(); i += sums) r.sum += partial_sums[i];
    ++first;
  }
}

}  // namespace gradus::detail
