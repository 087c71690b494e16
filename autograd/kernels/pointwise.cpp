#include "autograd/kernels/pointwise.h"

#include <algorithm>
#include <array>

#include "autograd/kernels/loops.h"
#include "autograd/kernels/pointwise_table.h"
#include "autograd/kernels/strided.h"

namespace gradus::kernels {
namespace {

using detail::TensorImpl;

bool is_half(DType dtype) { return dtype == DType::float16 || dtype == DType::bfloat16; }
size_t half_index(DType dtype) { return dtype == DType::float16 ? 0 : 1; }

// A kernel and what its operands need on the way in and out.
struct Call {
  Kernel kernel;
  bool in_half, out_half;  // converted to and from float32
  DType half;
  int64_t out_size;  // bytes per element
};

constexpr int64_t kStageBlock = 256, kShortRow = 48;

// Steps and sizes in bytes. Whatever the kernel cannot take as it lies goes through scratch, block by block.
template <size_t N>
void run(const Call& call, const std::array<std::byte*, N + 1>& p, const std::array<int64_t, N + 1>& steps,
         const std::array<int64_t, N>& sizes, int64_t n) {
  alignas(64) std::byte scratch[N + 1][kStageBlock * 8];
  alignas(64) uint16_t halves[kStageBlock];
  const void* in[N];
  int64_t in_steps[N];
  bool staged[N], any = call.out_half || steps[0] != call.out_size;
  for (size_t k = 0; k < N; ++k) {
    in[k] = p[k + 1];
    in_steps[k] = steps[k + 1] != 0;
    staged[k] = steps[k + 1] != 0 && (call.in_half || steps[k + 1] != sizes[k]);
    any = any || staged[k];
    if (call.in_half && steps[k + 1] == 0) {
      pointwise_table().widen[half_index(call.half)](p[k + 1], reinterpret_cast<float*>(scratch[k]), 1);
      in[k] = scratch[k];
    }
  }
  if (!any) return call.kernel(p[0], in, in_steps, n);

  for (int64_t begin = 0; begin < n; begin += kStageBlock) {
    const int64_t m = std::min(kStageBlock, n - begin);
    for (size_t k = 0; k < N; ++k) {
      if (steps[k + 1] == 0) continue;
      const std::byte* from = p[k + 1] + begin * steps[k + 1];
      in[k] = from;
      if (!staged[k]) continue;
      in[k] = scratch[k];
      if (!call.in_half) {
        with_size(sizes[k], [&]<class U> { gather<U>(from, steps[k + 1], scratch[k], m); });
        continue;
      }
      if (steps[k + 1] != 2) {
        gather<uint16_t>(from, steps[k + 1], reinterpret_cast<std::byte*>(halves), m);
        from = reinterpret_cast<const std::byte*>(halves);
      }
      pointwise_table().widen[half_index(call.half)](from, reinterpret_cast<float*>(scratch[k]), m);
    }
    std::byte* to = p[0] + begin * steps[0];
    const bool direct = steps[0] == call.out_size;
    if (direct && !call.out_half) {
      call.kernel(to, in, in_steps, m);
      continue;
    }
    call.kernel(scratch[N], in, in_steps, m);
    const std::byte* results = scratch[N];
    if (call.out_half) {
      std::byte* narrow_to = direct ? to : reinterpret_cast<std::byte*>(halves);
      pointwise_table().narrow[half_index(call.half)](reinterpret_cast<const float*>(scratch[N]), narrow_to, m);
      results = narrow_to;
    }
    if (!direct) with_size(call.out_size, [&]<class U> { scatter<U>(results, to, steps[0], m); });
  }
}

// Short rows, as of a bias: operands that do not lie like the dense `out` are first laid out like it, so that a kernel gets whole
// blocks.
template <size_t N>
void run_rows(const Call& call, const Loop<N + 1>& loop, const std::array<int64_t, N>& flat_steps,
              const std::array<int64_t, N>& sizes, int64_t begin, int64_t end) {
  alignas(64) std::byte rows[N][kStageBlock * 8];
  // Where every block begins with a row and all rows are alike, what is staged for the first serves them all.
  bool staged = false, alike = kStageBlock % loop.size(0) == 0 && begin % loop.size(0) == 0;
  for (int d = 1; d < loop.ndim(); ++d)
    for (size_t k = 0; k < N; ++k) alike = alike && (flat_steps[k] != 0 || loop.steps(d)[k + 1] == 0);
  for (; begin < end; begin += kStageBlock) {
    const int64_t n = std::min(kStageBlock, end - begin);
    int64_t at = 0;
    if (!staged)
      loop.walk(begin, begin + n, [&](const auto& p, const auto& steps, int64_t m) {
        for (size_t k = 0; k < N; ++k)
          if (flat_steps[k] == 0)
            with_size(sizes[k], [&]<class U> { gather<U>(p[k + 1], steps[k + 1], rows[k] + at * sizes[k], m); });
        at += m;
      });
    staged = alike;
    std::array<std::byte*, N + 1> p{loop.data()[0] + begin * call.out_size};
    std::array<int64_t, N + 1> steps{call.out_size};
    for (size_t k = 0; k < N; ++k) {
      p[k + 1] = flat_steps[k] == 0 ? rows[k] : loop.data()[k + 1] + begin * sizes[k];
      steps[k + 1] = sizes[k];
    }
    run<N>(call, p, steps, sizes, n);
  }
}

template <size_t N>
void pointwise_of(Fn fn, const FunctionRow& row, TensorImpl& out, const TensorImpl* const* in) {
  const DType dtype = in[N - 1]->dtype;
  Kernel kernel = row.kernels[static_cast<size_t>(dtype)];
  const bool convert = !kernel && is_half(dtype);
  if (convert) kernel = row.kernels[static_cast<size_t>(DType::float32)];
  if (!kernel) [[unlikely]]
    fail<DTypeError>("pointwise", "no loop for function ", static_cast<int>(fn), "; got ", dtype, ", expected another dtype");
  const int64_t n = out.size;
  if (n == 0) return;

  // Operands that lie like `out`, or are one element, need no plan: equal sizes that broadcast are equal shapes.
  bool flat = out.contiguous;
  std::array<int64_t, N> steps;
  for (size_t k = 0; k < N; ++k) {
    steps[k] = in[k]->size == n && in[k]->contiguous;
    flat = flat && (steps[k] == 1 || in[k]->size == 1);
  }
  if (flat && !convert && n <= row.grain) {
    const void* data[N];
    for (size_t k = 0; k < N; ++k) data[k] = in[k]->data;
    return kernel(out.data, data, steps.data(), n);
  }

  const Call call{kernel, convert, convert && is_half(out.dtype), dtype, size_of(out.dtype)};
  std::array<int64_t, N> sizes;
  for (size_t k = 0; k < N; ++k) sizes[k] = size_of(in[k]->dtype);
  if (flat) {
    parallel_for(
        n, row.grain,
        [&](int64_t begin, int64_t end) {
          std::array<std::byte*, N + 1> p{out.data + begin * call.out_size};
          std::array<int64_t, N + 1> bytes{call.out_size};
          for (size_t k = 0; k < N; ++k) bytes[k + 1] = steps[k] * sizes[k], p[k + 1] = in[k]->data + begin * bytes[k + 1];
          run<N>(call, p, bytes, sizes, end - begin);
        },
        Loop<N + 1>::kCutAlign);
    return;
  }
  std::array<Array, N + 1> arrays{broadcast(out, out.shape)};
  for (size_t k = 0; k < N; ++k) arrays[k + 1] = broadcast(*in[k], out.shape);
  const Loop<N + 1> loop(out.shape, arrays);
  if (out.contiguous && loop.size(0) < kShortRow) {
    parallel_for(
        n, row.grain, [&](int64_t begin, int64_t end) { run_rows<N>(call, loop, steps, sizes, begin, end); },
        Loop<N + 1>::kCutAlign);
    return;
  }
  loop.run(row.grain, [&](const auto& p, const auto& bytes, int64_t m) { run<N>(call, p, bytes, sizes, m); });
}

}  // namespace

void pointwise(Fn fn, TensorImpl& out, std::span<const TensorImpl* const> in) {
  static const KernelTable& table = pointwise_table();
  const FunctionRow& row = table.functions[static_cast<size_t>(fn)];
  if (row.arity != in.size()) [[unlikely]]
    fail<ValueError>("pointwise", "wrong number of inputs for function ", static_cast<int>(fn), "; got ", in.size(),
                     ", expected ", row.arity);
  if (in.size() == 2) return pointwise_of<2>(fn, row, out, in.data());
  if (in.size() == 1) return pointwise_of<1>(fn, row, out, in.data());
  pointwise_of<3>(fn, row, out, in.data());
}

}  // namespace gradus::kernels
