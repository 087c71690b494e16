// A pointwise function as a list of the calls that compute it, each after its arguments. Equal calls are one.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "autograd/fused_number.h"

namespace gradus::detail {

using kernels::Fn;

/// True for functions whose result is a mask, one byte per element.
inline bool gives_mask(Fn fn) { return fn >= Fn::equal && fn <= Fn::logical_not; }

class Expression {
 public:
  enum class Kind : uint8_t { input, constant, call };
  struct Node {
    Kind kind;
    Fn fn = Fn::count;               // of a call
    uint8_t arity = 0;               // of a call
    std::array<uint32_t, 3> args{};  // of a call
    uint64_t bits = 0;               // number of the input; bits of the constant, a double

    double value() const { return std::bit_cast<double>(bits); }
    std::span<const uint32_t> arguments() const { return {args.data(), arity}; }
    bool operator==(const Node&) const = default;
  };

  uint32_t input(size_t index) { return add({.kind = Kind::input, .bits = index}); }
  uint32_t constant(double value) { return add({.kind = Kind::constant, .bits = std::bit_cast<uint64_t>(value)}); }
  /// Folds arithmetic of constants and by one.
  uint32_t call(Fn fn, std::span<const uint32_t> args);

  uint32_t size() const { return static_cast<uint32_t>(nodes_.size()); }
  const Node& operator[](uint32_t id) const { return nodes_[id]; }
  bool is(uint32_t id, double value) const { return nodes_[id].kind == Kind::constant && nodes_[id].value() == value; }
  /// Which nodes the given ones need, themselves included.
  std::vector<bool> needed(std::span<const uint32_t> ids) const;
  /// What computes `output` alone, which is its last node.
  Expression only(uint32_t output) const;

 private:
  struct Hash {
    size_t operator()(const Node& node) const;
  };
  uint32_t add(const Node& node);

  std::vector<Node> nodes_;
  std::unordered_map<Node, uint32_t, Hash> known_;
};

/// While it lives, numbers of this thread write to `expression`.
class Tracing {
 public:
  explicit Tracing(Expression& expression);
  ~Tracing();
  Tracing(const Tracing&) = delete;
  Tracing& operator=(const Tracing&) = delete;

 private:
  Expression* outer_;
};

/// d output / d input k for k < arity, appended to the expression, by the chain rule from inputs to output; none where it is zero
/// everywhere.
std::vector<std::optional<FusedNumber>> derivatives(Expression& expression, uint32_t output, size_t arity);

}  // namespace gradus::detail
