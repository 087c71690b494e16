// What an operation is to the tape: a name and one gradient rule per input.
//
// A rule is a tensor expression over public operations. It may read only what it declares in `saves`; the tape keeps nothing
// else, and keeps that only when the rule's input is on the tape. Rules never see broadcasting: the engine sums a gradient back.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "autograd/tensor.h"

namespace gradus::detail {

struct Node;

/// What a rule may save: input k, or the output.
inline constexpr uint16_t kIn0 = 1, kIn1 = 2, kIn2 = 4, kOut = 1 << 15;
constexpr uint16_t saved_input(int k) { return static_cast<uint16_t>(1 << k); }

/// One record as a rule sees it.
class Saved {
 public:
  Saved(const Node& node, int index) : node_(node), index_(index) {}

  /// Input k or the output, as they were; TapeError unless some rule's `saves` lists them.
  const Tensor& in(int k) const { return saved(saved_input(k)); }
  const Tensor& out() const { return saved(kOut); }
  Shape out_shape() const;
  /// The operation's attributes, as given to record().
  template <class A>
  const A& attrs() const {
    return *reinterpret_cast<const A*>(attribute_bytes());
  }
  /// Which input's gradient is asked for, and what it looks like.
  int index() const { return index_; }
  Shape in_shape() const;
  DType in_dtype() const;

 private:
  const Tensor& saved(uint16_t bit) const;
  const std::byte* attribute_bytes() const;

  const Node& node_;
  int index_;
};

struct Rule {
  using Gradient = Tensor (*)(const Saved& saved, const Tensor& g);
  using Accumulate = bool (*)(const Saved& saved, const Tensor& g, TensorImpl& adjoint);

  uint16_t saves = 0;
  Gradient gradient = nullptr;  // null: no gradient flows to this input
  /// Adds the gradient to a contiguous buffer nobody else sees, or declines with false; used while the walk is not recorded.
  Accumulate accumulate = nullptr;
  /// The buffer may start as zeros (views: O(part) per contribution); otherwise the first contribution comes from `gradient`.
  bool accumulate_from_zero = false;
  /// Where the gradient is a sum over rows (axis 0) of matrices g and, if saved, input 0: the same from the rows of several
  /// records at once. May read only attributes of `saved`. Added to the contiguous `adjoint` if there is one; undefined is
  /// returned then. The walk gathers what shared weights receive and asks seldom.
  Tensor (*stacked)(const Saved& saved, const Tensor& rows, const Tensor& g, TensorImpl* adjoint) = nullptr;
};

struct Op {
  std::string_view name;
  int arity = 1;  // number of inputs
  std::array<Rule, 4> rules{};
  bool variadic = false;                        // any number of inputs, all with rules[0]
  bool broadcasts = false;                      // the engine sums gradients over broadcast dimensions
  void (*destroy)(std::byte* attrs) = nullptr;  // for attributes that own something

  constexpr const Rule& rule(uint32_t k) const { return rules[variadic ? 0 : k]; }
};

/// How deep this thread is inside recording tapes; 0 means that operations record nothing.
inline constinit thread_local int recording_depth = 0;

void record_bytes(const Op& op, Tensor& out, std::span<const Tensor* const> inputs, std::span<const std::byte> attrs);

/// Appends `out = op(inputs)` to this thread's list if a tape is open and an input is watched. `out` is a fresh header.
inline void record(const Op& op, Tensor& out, std::initializer_list<const Tensor*> inputs) {
  if (recording_depth > 0) record_bytes(op, out, {inputs.begin(), inputs.size()}, {});
}
template <class Attrs>
void record(const Op& op, Tensor& out, std::initializer_list<const Tensor*> inputs, const Attrs& attrs) {
  static_assert(std::is_trivially_copyable_v<Attrs> && alignof(Attrs) <= 8, "attributes are copied into the tape's arena");
  if (recording_depth > 0) record_bytes(op, out, {inputs.begin(), inputs.size()}, std::as_bytes(std::span(&attrs, 1)));
}

/// True when this thread's list holds a record of x, or would make one on use.
bool on_tape(const Tensor& x);

}  // namespace gradus::detail
