// Fused functions of tensors: broadcasting, dtypes, and what the tape records.
#include "autograd/fused.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "autograd/custom_gradient.h"
#include "autograd/fused/function.h"
#include "autograd/ops/support.h"
#include "autograd/tape.h"

namespace gradus::detail {
namespace {

constexpr std::string_view kName = "fused";

using Function = std::shared_ptr<const FusedFunction>;
using Tensors = std::vector<Tensor>;

Shape common_shape(const Tensors& xs) {
  Shape shape = xs[0].shape();
  for (const Tensor& x : xs)
    if (x.shape() != shape) shape = broadcast_shapes(kName, shape, x.shape());
  return shape;
}

// Whole arrays as programs want them: contiguous, or one element to be repeated.
struct Inputs {
  Tensors held;
  std::vector<Program::Input> places;

  Inputs(const Tensors& xs, const Shape& shape) {
    places.reserve(xs.size());
    for (const Tensor& x : xs) {
      const bool repeated = x.size() == 1, ready = repeated || (x.is_contiguous() && x.shape() == shape);
      if (!ready) held.push_back(broadcast_to(x, shape).contiguous());
      places.push_back({(ready ? x : held.back()).impl().data, repeated});
    }
  }
};

void store(Tensor& out, double value) {
  if (out.dtype() == DType::float64) *out.ref()->as<double>() = value;
  else *out.ref()->as<float>() = static_cast<float>(value);
}

// The partial derivatives that are asked for: one per element, but the sum over all for an input of one element. The others stay
// undefined.
struct Partials {
  Tensors tensors;
  std::vector<Program::Result> results;
  std::vector<size_t> owners;  // of the results

  Partials(const Tensors& xs, const Shape& shape, uint64_t wanted) : tensors(xs.size()) {
    const bool one = numel(kName, shape) == 1;
    for (size_t k = 0; k < xs.size(); ++k) {
      if (!(wanted >> k & 1)) continue;
      const bool repeated = xs[k].size() == 1;
      tensors[k] = empty(kName, repeated ? xs[k].shape() : shape, xs[0].dtype());
      results.push_back({repeated && !one ? nullptr : tensors[k].ref()->data});
      owners.push_back(k);
    }
  }
  // After the run.
  void store_sums(std::span<const Program::Result> ran) {
    for (size_t i = 0; i < ran.size(); ++i)
      if (!ran[i].data) store(tensors[owners[i]], ran[i].sum);
  }
};

// What the tape keeps of a call.
struct Call {
  Function f;
  Tensors xs;             // of float32 or float64
  uint64_t wanted;        // those on the tape
  Tensors partials = {};  // of a fold: made together with the value, and given away by the first walk
};

Tensor evaluate(const Function& f, const Tensors& xs, Fold fold);

bool is_one(const Tensor& g) {
  return g.size() == 1 && (g.dtype() == DType::float64 ? *g.impl().as<double>() == 1 : *g.impl().as<float>() == 1);
}

// All gradients in one pass; when they are recorded, each becomes a function of its own. g is shaped like the result, or one
// element for all of it. Gradients have the shape to which all broadcast, or their input's: the walk sums the former back.
Tensors gradients(Call& call, const Tensor& g, Fold fold) {
  const bool recorded = recording_depth > 0 && (on_tape(g) || std::any_of(call.xs.begin(), call.xs.end(), on_tape));
  if (!recorded && !call.partials.empty()) {
    Tensors out = std::exchange(call.partials, {});
    if (!is_one(g))
      for (size_t k = 0; k < out.size(); ++k)
        if (call.wanted >> k & 1) out[k] = out[k] * g;
    return out;
  }
  Tensors all = call.xs;
  all.push_back(fold == Fold::mean ? g * (1 / static_cast<double>(numel(kName, common_shape(call.xs)))) : g);
  if (recorded) {
    Tensors out(call.xs.size());
    for (size_t k = 0; k < call.xs.size(); ++k)
      if (call.wanted >> k & 1) out[k] = evaluate(call.f->partial(k), all, Fold::none);
    return out;
  }
  const Shape shape = common_shape(all);
  Partials partials(call.xs, shape, call.wanted);
  const Inputs inputs(all, shape);
  call.f->program({.value = false, .times_g = true, .partials = call.wanted})
      .run(g.dtype(), inputs.places, partials.results, numel(kName, shape));
  partials.store_sums(partials.results);
  return std::move(partials.tensors);
}

// The sum or mean into `out`, and in the same pass the partial derivatives of those wanted: they cost little beside the value,
// and what they need is in the cache.
Tensors run_fold(const Function& f, const Tensors& xs, const Shape& shape, Fold fold, uint64_t wanted, Tensor& out) {
  const int64_t size = numel(kName, shape);
  const double scale = fold == Fold::mean ? 1 / static_cast<double>(size) : 1;
  const bool times_scale = wanted != 0 && fold == Fold::mean;
  Tensors all = xs;
  if (times_scale) all.push_back(as_tensor(scale, out.dtype()));
  const Inputs inputs(all, shape);
  Partials partials(xs, shape, wanted);
  std::vector<Program::Result> results{{nullptr}};
  results.insert(results.end(), partials.results.begin(), partials.results.end());
  f->program({.value = true, .times_g = times_scale, .partials = wanted}).run(out.dtype(), inputs.places, results, size);
  store(out, results[0].sum * scale);
  partials.store_sums(std::span(results).subspan(1));
  return std::move(partials.tensors);
}

// xs share float32 or float64.
Tensor evaluate(const Function& f, const Tensors& xs, Fold fold) {
  const Shape shape = common_shape(xs);
  Tensor out = empty(kName, fold == Fold::none ? shape : Shape{}, xs[0].dtype());
  uint64_t wanted = 0;
  if (recording_depth > 0)
    for (size_t k = 0; k < xs.size(); ++k) wanted |= uint64_t{on_tape(xs[k])} << k;
  Tensors partials;
  {
    const NoRecord constant;
    if (fold == Fold::none) {
      Program::Result result{out.ref()->data};
      f->program({.value = true, .times_g = false, .partials = 0})
          .run(out.dtype(), Inputs(xs, shape).places, {&result, 1}, numel(kName, shape));
    } else {
      partials = run_fold(f, xs, shape, fold, wanted, out);
    }
  }
  if (wanted != 0) {
    std::vector<const Tensor*> inputs;
    for (const Tensor& x : xs) inputs.push_back(&x);
    const auto call = std::make_shared<Call>(Call{f, xs, wanted, fold == Fold::none ? Tensors() : std::move(partials)});
    record_fused(out, inputs, [call, fold](const Tensor& g) { return gradients(*call, g, fold); });
  }
  return out;
}

}  // namespace

Tensor apply_fused(const Function& f, std::span<const Operand> operands, Fold fold) {
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
  Tensors xs;
  xs.reserve(operands.size());
  for (const Operand& o : operands) xs.push_back(as_tensor(o, inner));
  const Tensor out = evaluate(f, xs, fold);
  return out.dtype() == dtype ? out : out.astype(dtype);
}

}  // namespace gradus::detail
