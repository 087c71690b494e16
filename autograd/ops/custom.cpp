// Operations whose rule the user wrote, and the identity that isolates an argument.
#include "autograd/custom_gradient.h"

#include <memory>

#include "autograd/ops/support.h"
#include "autograd/ops/table.h"
#include "autograd/tape.h"
#include "autograd/tape/checkpoint.h"
#include "autograd/tape/list.h"

namespace gradus::detail {
namespace {

constexpr Op kIdentity{.name = "identity", .rules = {{{0, [](const Saved&, const Tensor& g) { return g; }}}}};

// What a once-differentiable rule answered, as a function of everything it may have used.
constexpr Op kOnce{.name = "once_differentiable",
                   .rules = {{{0,
                               [](const Saved&, const Tensor&) -> Tensor {
                                 fail<TapeError>("custom_gradient",
                                                 "the rule is marked once-differentiable; got a request for a second derivative, "
                                                 "expected a rule of public operations without the mark");
                               }}}},
                   .variadic = true};

// The user's rule gives all gradients at once, the engine asks input by input: the answers are kept in between, for one walk.
struct Custom {
  CustomRule rule;
  size_t inputs;
  std::vector<Tensor> arguments = {};  // of a once-differentiable rule
  size_t last = 0;                     // the last input that is on the tape
  uint64_t walk = 0;
  Tensor last_g = {};
  std::vector<Tensor> gradients = {};

  Tensor gradient(size_t index, const Tensor& g) {
    const uint64_t now = this_list().walk();
    if (walk != now || g.ref().get() != last_g.ref().get()) {
      gradients = arguments.empty() ? rule(g) : once(g);
      if (gradients.size() != inputs)
        fail<ValueError>("custom_gradient", "wrong number of gradients; got ", gradients.size(), ", expected ", inputs,
                         ", one per argument");
      last_g = g;
      walk = now;
    }
    Tensor out = gradients[index];
    if (index == last) last_g = Tensor(), gradients.clear();
    return out;
  }

  std::vector<Tensor> once(const Tensor& g) const {
    std::vector<Tensor> out;
    {
      const NoRecord constant;
      out = rule(g);
    }
    std::vector<const Tensor*> used{&g};
    for (const Tensor& x : arguments) used.push_back(&x);
    for (Tensor& dx : out) {
      if (!dx.defined()) continue;
      dx = Tensor(TensorImpl::view(dx.impl(), dx.shape(), dx.strides(), 0));
      if (recording_depth > 0) record_bytes(kOnce, dx, used, {});
    }
    return out;
  }
};

constexpr Op custom_op(std::string_view name, bool broadcasts = false) {
  return {.name = name,
          .rules = {{{0, [](const Saved& s,
                            const Tensor& g) { return s.attrs<Custom*>()->gradient(static_cast<size_t>(s.index()), g); }}}},
          .variadic = true,
          .broadcasts = broadcasts,
          .destroy = [](std::byte* attrs) { delete *reinterpret_cast<Custom**>(attrs); }};
}
constexpr Op kCustom = custom_op("custom_gradient"), kFused = custom_op("fused", true), kCheckpoint = custom_op("checkpoint");

}  // namespace

constexpr const Op* kOps[] = {&kIdentity, &kOnce, &kCustom, &kFused, &kCheckpoint};
const OpFamily kCustomOps{"custom", kOps};

Tensor fresh(const Tensor& x) {
  Tensor out(TensorImpl::view(x.impl(), x.shape(), x.strides(), 0));
  record(kIdentity, out, {&x});
  return out;
}

namespace {

// The closure goes to the tape only if the tape wants the record.
void record_rule(const Op& op, Tensor& out, std::span<const Tensor* const> inputs, std::unique_ptr<Custom> custom) {
  const Custom* attrs = custom.get();
  record_bytes(op, out, inputs, std::as_bytes(std::span(&attrs, 1)));
  if (out.impl().epoch == 0) return;
  for (size_t k = 0; k < inputs.size(); ++k)
    if (on_tape(*inputs[k])) custom->last = k;
  custom.release();  // the tape owns it now
}

}  // namespace

Tensor record_custom(const Tensor& y, std::span<const Tensor* const> inputs, CustomRule rule, CustomGradientOptions options) {
  Tensor out(TensorImpl::view(y.impl(), y.shape(), y.strides(), 0));
  if (recording_depth == 0) return out;
  auto custom = std::make_unique<Custom>(Custom{.rule = std::move(rule), .inputs = inputs.size()});
  if (options.once_differentiable)
    for (const Tensor* x : inputs) custom->arguments.push_back(*x);
  record_rule(kCustom, out, inputs, std::move(custom));
  return out;
}

void record_fused(Tensor& out, std::span<const Tensor* const> inputs, CustomRule rule) {
  if (recording_depth == 0) return;
  record_rule(kFused, out, inputs, std::make_unique<Custom>(Custom{.rule = std::move(rule), .inputs = inputs.size()}));
}

Tensor record_rerun(const Tensor& y, std::span<const uint32_t> ids, CustomRule rule) {
  if (ids.empty()) return y;
  Tensor out(TensorImpl::view(y.impl(), y.shape(), y.strides(), 0));
  auto custom = std::make_unique<Custom>(Custom{.rule = std::move(rule), .inputs = ids.size(), .last = ids.size() - 1});
  const Custom* attrs = custom.get();
  this_list().record_edges(kCheckpoint, out, ids, std::as_bytes(std::span(&attrs, 1)));
  custom.release();
  return out;
}

}  // namespace gradus::detail
