#include "autograd/fused.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "autograd/base/parallel.h"
#include "autograd/functional.h"
#include "autograd/ops/support.h"
#include "autograd/tape.h"

namespace gradus::detail {
namespace {

constexpr std::string_view kName = "fused";
constexpr size_t kMaxInputs = 6 + kFusedOrders;

// Whole arrays as the kernels want them: contiguous, or one element to be repeated.
struct Inputs {
  std::vector<Tensor> tensors;
  std::array<bool, kMaxInputs> repeated{};

  Inputs(std::span<const Tensor> xs, const Shape& shape) {
    for (size_t k = 0; k < xs.size(); ++k) {
      repeated[k] = xs[k].size() == 1 && shape != xs[k].shape();
      tensors.push_back(repeated[k] ? xs[k] : broadcast_to(xs[k], shape).contiguous());
    }
  }
};

// Calls block(begin, n, in, padded) for blocks of at most kFusedBlock elements, n rounded up to whole vectors. Where a block has
// a ragged end its inputs are staged, and `padded` tells that outputs must be, too.
template <class T, class F>
void for_blocks(const Inputs& inputs, int64_t size, const F& block) {
  const size_t arity = inputs.tensors.size();
  parallel_for(
      size, kGrain / 4,
      [&](int64_t begin, int64_t end) {
        std::array<std::array<T, kFusedBlock>, kMaxInputs> stage;
        std::array<const T*, kMaxInputs> in{};
        for (size_t k = 0; k < arity; ++k)
          if (inputs.repeated[k]) stage[k].fill(*inputs.tensors[k].impl().as<T>()), in[k] = stage[k].data();
        for (int64_t i = begin; i < end; i += kFusedBlock) {
          const int64_t n = std::min(kFusedBlock, end - i), whole = (n + 15) / 16 * 16;
          for (size_t k = 0; k < arity; ++k) {
            if (inputs.repeated[k]) continue;
            in[k] = inputs.tensors[k].impl().as<T>() + i;
            if (whole == n) continue;
            std::copy(in[k], in[k] + n, stage[k].begin());
            std::fill(stage[k].begin() + n, stage[k].begin() + whole, T(1));
            in[k] = stage[k].data();
          }
          block(i, n, whole, in.data());
        }
      },
      kFusedBlock);
}

template <class T>
void run_value(const FusedFunction& f, TensorImpl& out, const Inputs& inputs) {
  for_blocks<T>(inputs, out.size, [&](int64_t begin, int64_t n, int64_t whole, const T* const* in) {
    T* to = out.as<T>() + begin;
    if (n == whole) return f.value(to, in, n);
    std::array<T, kFusedBlock> stage;
    f.value(stage.data(), in, whole);
    std::copy(stage.begin(), stage.begin() + n, to);
  });
}

// One partial sum per block, in double, and then those from first to last: the same bits for any number of threads.
template <class T>
double run_sum(const FusedFunction& f, int64_t size, const Inputs& inputs) {
  std::vector<double> sums(static_cast<size_t>((size + kFusedBlock - 1) / kFusedBlock));
  for_blocks<T>(inputs, size, [&](int64_t begin, int64_t n, int64_t whole, const T* const* in) {
    std::array<T, kFusedBlock> stage;
    f.value(stage.data(), in, whole);
    sums[static_cast<size_t>(begin / kFusedBlock)] = std::accumulate(stage.begin(), stage.begin() + n, 0.0);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

template <class T>
void run_gradient(const FusedFunction& f, std::span<Tensor> outs, const Inputs& inputs) {  // the last input is g
  const size_t arity = outs.size();
  for_blocks<T>(inputs, outs[0].size(), [&](int64_t begin, int64_t n, int64_t whole, const T* const* in) {
    std::array<std::array<T, kFusedBlock>, kMaxInputs> stage;
    std::array<T*, kMaxInputs> to{};
    for (size_t k = 0; k < arity; ++k) to[k] = n == whole ? outs[k].ref()->as<T>() + begin : stage[k].data();
    f.gradient(to.data(), in[arity], in, whole);
    for (size_t k = 0; n != whole && k < arity; ++k) std::copy(to[k], to[k] + n, outs[k].ref()->as<T>() + begin);
  });
}

Shape common_shape(const std::vector<Tensor>& xs) {
  Shape shape = xs[0].shape();
  for (const Tensor& x : xs) shape = broadcast_shapes(kName, shape, x.shape());
  return shape;
}

Tensor evaluate(const std::shared_ptr<const FusedFunction>& f, const std::vector<Tensor>& xs, Fold fold);

// All gradients in one pass; when they are recorded, each becomes a function of its own. g is shaped like the result, or one
// element for all of it. Gradients have the shape to which all broadcast: the walk sums them back.
std::vector<Tensor> gradients(const std::shared_ptr<const FusedFunction>& f, const std::vector<Tensor>& xs, const Tensor& g) {
  std::vector<Tensor> all = xs, out;
  all.push_back(g);
  if (recording_depth > 0 && std::any_of(all.begin(), all.end(), on_tape)) {
    for (size_t k = 0; k < xs.size(); ++k) {
      const auto partial = f->partial(k);
      const auto compose = [&f](std::span<const Tensor> inputs) { return f->compose(inputs); };
      out.push_back(partial ? evaluate(partial, all, Fold::none) : composed_partial(compose, all, k));
    }
    return out;
  }
  const Shape shape = common_shape(all);
  for (size_t k = 0; k < xs.size(); ++k) out.push_back(empty(kName, shape, g.dtype()));
  const Inputs inputs(all, shape);
  if (g.dtype() == DType::float64) run_gradient<double>(*f, out, inputs);
  else run_gradient<float>(*f, out, inputs);
  return out;
}

// xs share float32 or float64.
Tensor evaluate(const std::shared_ptr<const FusedFunction>& f, const std::vector<Tensor>& xs, Fold fold) {
  const Shape shape = common_shape(xs);
  Tensor out = empty(kName, fold == Fold::none ? shape : Shape{}, xs[0].dtype());
  {
    const NoRecord constant;
    const Inputs inputs(xs, shape);
    visit_dtype(out.dtype(), [&]<class T>() {
      if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
        if (fold == Fold::none) run_value<T>(*f, *out.ref(), inputs);
        else *out.ref()->as<T>() = static_cast<T>(run_sum<T>(*f, numel(kName, shape), inputs));
      }
    });
  }
  if (recording_depth > 0) {
    std::vector<const Tensor*> inputs;
    for (const Tensor& x : xs) inputs.push_back(&x);
    record_fused(out, inputs, [f, xs](const Tensor& g) { return gradients(f, xs, g); });
  }
  return out;
}

}  // namespace

Tensor composed_partial(const std::function<Tensor(std::span<const Tensor>)>& f, std::span<const Tensor> xs_and_g, size_t k) {
  const Tensor& g = xs_and_g.back();
  std::vector<Tensor> xs(xs_and_g.begin(), xs_and_g.end() - 1);
  Shape shape = g.shape();
  for (const Tensor& x : xs) shape = broadcast_shapes(kName, shape, x.shape());
  xs[k] = broadcast_to(xs[k], shape);  // a derivative per element of the result
  xs[k] = fresh(xs[k]);
  GradientTape tape({.watch_accessed_variables = false});
  tape.watch(xs[k]);
  const Tensor y = f(xs).astype(g.dtype());
  return tape.gradient(broadcast_to(y, shape), xs[k],
                       {.output_gradients = {broadcast_to(g, shape)}, .unconnected = Unconnected::Zero});
}

Tensor apply_fused(const std::shared_ptr<const FusedFunction>& f, std::span<const Operand> operands, Fold fold) {
  DType dtype = DType::boolean;
  bool tensor = false;
  for (const Operand& o : operands) {
    if (!o.tensor()) continue;
    dtype = tensor ? promote(dtype, o.tensor()->dtype()) : o.tensor()->dtype();
    tensor = true;
  }
  if (!tensor) fail<ValueError>(kName, "no argument is a tensor; got numbers only, expected at least one Tensor");
  dtype = to_floating(dtype);
  const DType inner = dtype == DType::float64 ? DType::float64 : DType::float32;
  std::vector<Tensor> xs;
  for (const Operand& o : operands) xs.push_back(as_tensor(o, inner));
  const Tensor out = evaluate(f, xs, fold);
  const double count = fold == Fold::mean ? static_cast<double>(numel(kName, common_shape(xs))) : 1;
  return (fold == Fold::mean ? out * (1 / count) : out).astype(dtype);
}

}  // namespace gradus::detail
