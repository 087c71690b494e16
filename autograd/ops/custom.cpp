// Operations whose rule the user wrote, and the identity that isolates an argument.
#include <memory>

#include "autograd/functional.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"
#include "autograd/tape/list.h"

namespace gradus::detail {
namespace {

constexpr Op kIdentity{.name = "identity", .rules = {{{0, [](const Saved&, const Tensor& g) { return g; }}}}};

// The user's rule gives all gradients at once, the engine asks input by input: the answers are kept in between, for one walk.
struct Custom {
  CustomRule rule;
  size_t inputs;
  size_t last = 0;  // the last input that is on the tape
  uint64_t walk = 0;
  Tensor last_g = {};
  std::vector<Tensor> gradients = {};

  Tensor gradient(size_t index, const Tensor& g) {
    const uint64_t now = this_list().walk();
    if (walk != now || g.ref().get() != last_g.ref().get()) {
      gradients = rule(g);
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
};

constexpr Op custom_op(std::string_view name) {
  return {.name = name,
          .rules = {{{0, [](const Saved& s,
                            const Tensor& g) { return s.attrs<Custom*>()->gradient(static_cast<size_t>(s.index()), g); }}}},
          .variadic = true,
          .destroy = [](std::byte* attrs) { delete *reinterpret_cast<Custom**>(attrs); }};
}
constexpr Op kCustom = custom_op("custom_gradient"), kFused = custom_op("fused");

}  // namespace

constexpr const Op* kOps[] = {&kIdentity, &kCustom, &kFused};
const OpFamily kCustomOps{"custom", kOps};

Tensor fresh(const Tensor& x) {
  Tensor out(TensorImpl::view(x.impl(), x.shape(), x.strides(), 0));
  record(kIdentity, out, {&x});
  return out;
}

namespace {

// The closure goes to the tape only if the tape wants the record.
void record_rule(const Op& op, Tensor& out, std::span<const Tensor* const> inputs, CustomRule rule) {
  if (recording_depth == 0) return;
  auto custom = std::make_unique<Custom>(Custom{.rule = std::move(rule), .inputs = inputs.size()});
  const Custom* attrs = custom.get();
  record_bytes(op, out, inputs, std::as_bytes(std::span(&attrs, 1)));
  if (out.impl().epoch == 0) return;
  for (size_t k = 0; k < inputs.size(); ++k)
    if (on_tape(*inputs[k])) custom->last = k;
  custom.release();  // the tape owns it now
}

}  // namespace

Tensor record_custom(const Tensor& y, std::span<const Tensor* const> inputs, CustomRule rule) {
  Tensor out(TensorImpl::view(y.impl(), y.shape(), y.strides(), 0));
  record_rule(kCustom, out, inputs, std::move(rule));
  return out;
}

void record_fused(Tensor& out, std::span<const Tensor* const> inputs, CustomRule rule) {
  record_rule(kFused, out, inputs, std::move(rule));
}

}  // namespace gradus::detail
