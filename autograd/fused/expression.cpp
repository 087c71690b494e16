#include "autograd/fused/expression.h"

#include <algorithm>
#include <utility>

#include "autograd/base/error.h"

namespace gradus::detail {
namespace {

thread_local Expression* tracing = nullptr;

Expression& now_tracing() {
  if (!tracing)
    fail<ValueError>(
        "fused", "a number is used outside of its function; got one that was kept or made elsewhere, expected a pure function");
  return *tracing;
}

}  // namespace

Tracing::Tracing(Expression& expression) : outer_(std::exchange(tracing, &expression)) {}
Tracing::~Tracing() { tracing = outer_; }

ExpressionRef traced(double constant) {
  Expression& e = now_tracing();
  return {&e, e.constant(constant)};
}

ExpressionRef traced(Fn fn, std::initializer_list<ExpressionRef> arguments) {
  Expression& e = now_tracing();
  std::array<uint32_t, 3> args{};
  size_t n = 0;
  for (const ExpressionRef& a : arguments) {
    if (a.expression != &e || a.node >= e.size())
      fail<ValueError>("fused", "numbers of different functions meet; got one from elsewhere, expected a pure function");
    args[n++] = a.node;
  }
  return {&e, e.call(fn, {args.data(), n})};
}

uint32_t Expression::call(Fn fn, std::span<const uint32_t> args) {
  const auto constant_at = [&](size_t k) { return nodes_[args[k]].kind == Kind::constant; };
  const auto two = [&](Fn f, uint32_t a, uint32_t b) { return call(f, std::array{a, b}); };
  // Fewer kinds of calls: these are the same to the last bit.
  if (fn == Fn::square) return two(Fn::multiply, args[0], args[0]);
  if (fn == Fn::negative) return two(Fn::multiply, args[0], constant(-1));
  if (fn == Fn::multiply && is(args[0], 1)) return args[1];
  if ((fn == Fn::multiply || fn == Fn::divide) && is(args[1], 1)) return args[0];
  if (args.size() == 2 && constant_at(0) && constant_at(1)) {
    const double a = nodes_[args[0]].value(), b = nodes_[args[1]].value();
    if (fn == Fn::add) return constant(a + b);
    if (fn == Fn::subtract) return constant(a - b);
    if (fn == Fn::multiply) return constant(a * b);
    if (fn == Fn::divide) return constant(a / b);
  }
  Node node{.kind = Kind::call, .fn = fn, .arity = static_cast<uint8_t>(args.size())};
  std::copy(args.begin(), args.end(), node.args.begin());
  return add(node);
}

uint32_t Expression::add(const Node& node) {
  const auto [at, is_new] = known_.try_emplace(node, size());
  if (is_new) nodes_.push_back(node);
  return at->second;
}

size_t Expression::Hash::operator()(const Node& node) const {
  uint64_t h = node.bits + static_cast<uint64_t>(node.kind) * 31 + static_cast<uint64_t>(node.fn);
  for (const uint32_t a : node.args) h = (h ^ (h >> 29)) * 0x9e3779b97f4a7c15u + a;
  return static_cast<size_t>(h ^ (h >> 32));
}

std::vector<bool> Expression::needed(std::span<const uint32_t> ids) const {
  std::vector<bool> out(size());
  for (const uint32_t id : ids) out[id] = true;
  for (uint32_t id = size(); id-- > 0;)
    if (out[id])
      for (const uint32_t a : nodes_[id].arguments()) out[a] = true;
  return out;
}

Expression Expression::only(uint32_t output) const {
  const std::vector<bool> keep = needed(std::array{output});
  std::vector<uint32_t> moved(size());
  Expression out;
  for (uint32_t id = 0; id <= output; ++id) {
    if (!keep[id]) continue;
    Node node = nodes_[id];
    for (size_t k = 0; k < node.arity; ++k) node.args[k] = moved[node.args[k]];
    moved[id] = out.add(node);
  }
  return out;
}

}  // namespace gradus::detail
