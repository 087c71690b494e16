// gradus_kernel_bench: single kernels by size, on Google Benchmark, beside what one core can do at most: a triad for the memory
// and a large sgemm for the arithmetic. One thread. bytes/s counts every operand once, read or written; flops/s only products.
#include <benchmark/benchmark.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "autograd/kernels/copy.h"
#include "autograd/kernels/index.h"
#include "autograd/kernels/matmul.h"
#include "autograd/kernels/normalize.h"
#include "autograd/kernels/pointwise.h"
#include "autograd/kernels/reduce.h"
#include "autograd/kernels/softmax.h"
#include "autograd/kernels/update.h"

namespace gradus::bench {
namespace {

constexpr int64_t kColumns = 256;
using detail::TensorImpl;

/// One call of a kernel, and what it moves and computes.
struct Job {
  std::function<void()> run;
  double bytes = 0, flops = 0, items = 0;
};
struct Row {
  std::string name;
  std::vector<int64_t> sizes;
  std::function<Job(int64_t)> make;
};

const std::vector<int64_t> kSizes{1 << 10, 1 << 17, 1 << 24};  // float32: 4 KiB, 512 KiB, 64 MiB per operand

double floats(int64_t n) { return 4.0 * static_cast<double>(n); }
Tensor values(const Shape& shape) { return random::uniform(shape, 0.1, 0.9); }
Shape matrix(int64_t n) { return {n / kColumns, kColumns}; }

/// A destination with a header of its own, so that kernels may write it.
struct Target {
  Tensor tensor;
  explicit Target(const Shape& shape) : tensor(detail::empty("bench", shape, DType::float32)) { kernels::fill(*this, 0.0); }
  operator TensorImpl&() const { return *const_cast<Tensor&>(tensor).ref(); }
};

/// A kernel out = f(in) on [n / 256, 256], with out of `out_shape`.
using Unary = std::function<void(TensorImpl& out, const TensorImpl& in)>;
Row unary(std::string name, Unary f, std::function<Shape(int64_t)> out_shape = matrix) {
  return {std::move(name), kSizes, [=](int64_t n) {
            const Tensor in = values(matrix(n));
            const Target out(out_shape(n));
            return Job{.run = [=] { f(out, in.impl()); }, .bytes = floats(n + out.tensor.size())};
          }};
}

Row pointwise_row(std::string name, kernels::Fn fn) {
  return unary(std::move(name), [fn](TensorImpl& out, const TensorImpl& in) {
    const TensorImpl* operands[] = {&in};
    kernels::pointwise(fn, out, operands);
  });
}

Job triad(int64_t n) {
  const Tensor b = values({n}), c = values({n});
  const Target a({n});
  return {.run =
              [=] {
                float* __restrict to = static_cast<TensorImpl&>(a).as<float>();
                const float *from = b.impl().as<float>(), *more = c.impl().as<float>();
                for (int64_t begin = 0; begin < n; begin += kColumns)
                  for (int64_t i = 0; i < kColumns; ++i) to[begin + i] = from[begin + i] + 0.5f * more[begin + i];
              },
          .bytes = floats(3 * n)};
}

Job add(int64_t n) {
  const Tensor a = values({n}), b = values({n});
  const Target out({n});
  return {.run =
              [=] {
                const TensorImpl* operands[] = {&a.impl(), &b.impl()};
                kernels::pointwise(kernels::Fn::add, out, operands);
              },
          .bytes = floats(3 * n)};
}

Job layer_norm(int64_t n) {
  const Tensor x = values(matrix(n)), scale = values({kColumns}), offset = values({kColumns});
  const Target out(matrix(n));
  return {.run = [=] { kernels::normalize_rows(out, x.impl(), scale.impl(), &offset.impl(), {.epsilon = 1e-5}); },
          .bytes = floats(2 * n)};
}

Job transposed_copy(int64_t n) {
  const auto side = static_cast<int64_t>(std::sqrt(static_cast<double>(n)));
  const Tensor in = transpose(values({side, side}));
  const Target out({side, side});
  return {.run = [=] { kernels::copy(out, in.impl()); }, .bytes = floats(2 * side * side)};
}

Job take_rows(int64_t n) {
  const int64_t rows = n / kColumns;
  const Tensor in = values(matrix(n)), order = remainder(arange(rows) * int64_t{7919}, Tensor(rows));
  const Target out(matrix(n));
  return {.run = [=] { kernels::take(out, in.impl(), order.impl(), 0); }, .bytes = floats(2 * n)};
}

Job sgemm(int64_t n) {
  const Tensor a = values({n, n}), b = values({n, n});
  const Target out({n, n});
  const auto side = static_cast<double>(n);
  return {.run = [=] { kernels::matmul(out, a.impl(), b.impl()); }, .flops = 2 * side * side * side};
}

Job adam(int64_t n) {
  const Target p({n}), m({n}), v({n});
  const Tensor g = values({n});
  const kernels::Coefficients c{1e-3, 0, 0.9, 0.1, 0.999, 0.001, 1, 1e-8};
  return {.run =
              [=] {
                const std::array<const detail::TensorImpl*, 4> arrays{&static_cast<detail::TensorImpl&>(p),
                                                                      &static_cast<detail::TensorImpl&>(m),
                                                                      &static_cast<detail::TensorImpl&>(v), &g.impl()};
                kernels::update(kernels::Rule::adam, c, arrays);
              },
          .bytes = floats(7 * n)};
}

/// Records n products of scalars and walks back over them.
Job scalar_chain(int64_t n) {
  const Variable a(0.999f);
  return {.run =
              [=] {
                GradientTape tape;
                Tensor x = a;
                for (int64_t i = 0; i < n; ++i) x = x * a;
                benchmark::DoNotOptimize(tape.gradient(x, a));
              },
          .items = static_cast<double>(n)};
}

std::vector<Row> rows() {
  using kernels::Fn;
  const auto sum_of = [](uint32_t axes) {
    return [axes](TensorImpl& out, const TensorImpl& in) { kernels::reduce(kernels::Reduction::sum, out, in, axes); };
  };
  return {{"limit/triad", kSizes, triad},
          {"pointwise/add", kSizes, add},
          pointwise_row("pointwise/relu", Fn::relu),
          pointwise_row("pointwise/exp", Fn::exp),
          pointwise_row("pointwise/tanh", Fn::tanh),
          pointwise_row("pointwise/sigmoid", Fn::sigmoid),
          unary("sum/last_axis", sum_of(2), [](int64_t n) { return Shape{n / kColumns}; }),
          unary("sum/first_axis", sum_of(1), [](int64_t) { return Shape{kColumns}; }),
          unary("softmax", [](TensorImpl& out, const TensorImpl& in) { kernels::softmax(out, in, false); }),
          {"layer_norm", kSizes, layer_norm},
          unary("copy", [](TensorImpl& out, const TensorImpl& in) { kernels::copy(out, in); }),
          {"copy/transposed", kSizes, transposed_copy},
          {"take/rows", kSizes, take_rows},
          {"adam", kSizes, adam},
          {"sgemm", {4, 16, 64, 256, 1024}, sgemm},
          {"record_and_walk", {100, 10000}, scalar_chain}};
}

void measure(benchmark::State& state, const Row& row) {
  const Job job = row.make(state.range(0));
  for (auto _ : state) job.run();
  using benchmark::Counter;
  const auto report = [&](const char* name, double amount, Counter::Flags flags) {
    if (amount > 0) state.counters[name] = Counter(amount, flags);
  };
  constexpr auto kRate = Counter::kIsIterationInvariantRate;
  report("bytes", job.bytes, kRate);
  report("flops", job.flops, kRate);
  report("per_item", job.items, static_cast<Counter::Flags>(kRate | Counter::kInvert));
}

}  // namespace
}  // namespace gradus::bench

int main(int argc, char** argv) {
  gradus::set_num_threads(1);
  for (const auto& row : gradus::bench::rows())
    for (const int64_t n : row.sizes)
      benchmark::RegisterBenchmark(row.name.c_str(), [row](benchmark::State& state) {
        gradus::bench::measure(state, row);
      })->Arg(n);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
