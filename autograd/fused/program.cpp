#include "autograd/fused/program.h"

#include <algorithm>
#include <memory>
#include <numeric>

#include "autograd/base/error.h"
#include "autograd/base/parallel.h"

namespace gradus::detail {
namespace {

using kernels::Simple;

constexpr uint32_t kNone = UINT32_MAX;
constexpr int64_t kBlock = 512, kLeastBlock = 64;  // elements of a register
constexpr size_t kRegisterBytes = 24 << 10;        // of all registers, where blocks can be that short
constexpr size_t kLocalBytes = 32 << 10;           // on the stack

std::optional<Simple> simple_of(Fn fn) {
  if (fn == Fn::add) return Simple::add;
  if (fn == Fn::subtract) return Simple::subtract;
  if (fn == Fn::multiply) return Simple::multiply;
  return {};
}

std::array<kernels::Kernel, 2> kernels_of(Fn fn) {
  const auto& row = kernels::pointwise_table().functions[static_cast<size_t>(fn)];
  const auto of = [&](DType dtype) { return row.kernels[static_cast<size_t>(dtype)]; };
  if (fn >= Fn::logical_and && fn <= Fn::logical_not) return {of(DType::boolean), of(DType::boolean)};
  return {of(DType::float32), of(DType::float64)};
}

}  // namespace

// Calls are chosen from the last to the first (a simple operation takes in one that only it needs), then given places from the
// first to the last, each register free again after its last use.
struct Program::Plan {
  const Expression& e;
  Program& program;
  std::vector<bool> needed;
  std::vector<uint32_t> uses, taken_in, place;  // taken_in[id]: the argument that became part of call id

  Plan(const Expression& expression, Program& p, std::span<const uint32_t> outputs)
      : e(expression), program(p), needed(e.needed(outputs)), uses(e.size()), taken_in(e.size(), kNone), place(e.size(), kNone) {
    for (uint32_t id = 0; id < e.size(); ++id)
      if (needed[id])
        for (const uint32_t a : e[id].arguments()) ++uses[a];
    for (const uint32_t id : outputs) uses[id] += 2;  // never part of another call, never overwritten
  }

  bool may_be_taken_in(uint32_t id) const { return uses[id] == 1 && simple_of(e[id].fn); }

  void choose_pairs() {
    std::vector<bool> part(e.size());
    for (uint32_t id = e.size(); id-- > 0;) {
      if (!needed[id] || part[id] || !simple_of(e[id].fn)) continue;
      for (const uint32_t a : e[id].arguments())
        if (may_be_taken_in(a) && (taken_in[id] == kNone || e[a].fn == Fn::multiply)) taken_in[id] = a;
      if (taken_in[id] != kNone) part[taken_in[id]] = true;
    }
    for (uint32_t id = 0; id < e.size(); ++id)
      if (part[id]) needed[id] = false;
  }

  // A constant that comes first in the inner call of a pair is moved back: kernels keep it in a register there.
  bool swapped(uint32_t inner) const { return e[e[inner].args[0]].kind == Expression::Kind::constant; }

  // The arguments of a call as it is run.
  std::vector<uint32_t> arguments(uint32_t id) const {
    const auto own = e[id].arguments();
    const uint32_t inner = taken_in[id];
    if (inner == kNone) return {own.begin(), own.end()};
    const size_t first = swapped(inner);
    return {e[inner].args[first], e[inner].args[1 - first], own[0] == inner ? own[1] : own[0]};
  }

  std::array<kernels::Kernel, 2> kernels(uint32_t id) const {
    const uint32_t inner = taken_in[id];
    if (inner == kNone) return kernels_of(e[id].fn);
    Simple second = *simple_of(e[id].fn);
    if (second == Simple::subtract && e[id].args[0] != inner) second = Simple::reversed_subtract;
    Simple first = *simple_of(e[inner].fn);
    if (first == Simple::subtract && swapped(inner)) first = Simple::reversed_subtract;
    return {kernels::pair_kernel(first, second, DType::float32), kernels::pair_kernel(first, second, DType::float64)};
  }

  uint16_t constant_place(double value) {
    program.constants_.push_back(value);
    program.narrow_constants_.push_back(static_cast<float>(value));
    return place_of(program.inputs_ + program.results_ + program.constants_.size() - 1);
  }
  static uint16_t place_of(size_t n) {
    if (n > UINT16_MAX) fail<ValueError>("fused", "the function is too long; got more than ", UINT16_MAX, " values");
    return static_cast<uint16_t>(n);
  }

  void run(std::span<const uint32_t> outputs) {
    choose_pairs();
    std::vector<uint32_t> last(e.size(), 0);
    for (uint32_t id = 0; id < e.size(); ++id) {
      const auto& node = e[id];
      if (!needed[id]) continue;
      if (node.kind == Expression::Kind::input) place[id] = static_cast<uint32_t>(node.bits);
      if (node.kind == Expression::Kind::constant) place[id] = constant_place(node.value());
      if (node.kind == Expression::Kind::call)
        for (const uint32_t a : arguments(id)) last[a] = id;
    }
    // What is no call, or is asked for twice, is copied: multiplied by one.
    const uint32_t one = constant_place(1);
    std::vector<uint32_t> copies(outputs.size(), kNone);
    for (size_t k = 0; k < outputs.size(); ++k) {
      const uint32_t id = outputs[k];
      if (e[id].kind == Expression::Kind::call && place[id] == kNone) place[id] = place_of(program.inputs_ + k);
      else copies[k] = id;
    }
    const size_t first_register = program.inputs_ + program.results_ + program.constants_.size();
    std::vector<uint32_t> free;
    for (uint32_t id = 0; id < e.size(); ++id) {
      if (!needed[id] || e[id].kind != Expression::Kind::call) continue;
      const std::vector<uint32_t> args = arguments(id);
      if (place[id] == kNone) {
        if (free.empty()) free.push_back(place_of(first_register + program.registers_++));
        place[id] = free.back(), free.pop_back();
      }
      Call call{.kernels = kernels(id), .out = place_of(place[id]), .arity = static_cast<uint16_t>(args.size()), .args = {}};
      for (size_t k = 0; k < args.size(); ++k) call.args[k] = place_of(place[args[k]]);
      program.calls_.push_back(call);
      for (size_t k = 0; k < args.size(); ++k)  // each register once
        if (last[args[k]] == id && place[args[k]] >= first_register &&
            std::find(args.begin(), args.begin() + static_cast<ptrdiff_t>(k), args[k]) ==
                args.begin() + static_cast<ptrdiff_t>(k))
          free.push_back(place[args[k]]);
    }
    for (size_t k = 0; k < outputs.size(); ++k)
      if (copies[k] != kNone)
        program.calls_.push_back({.kernels = kernels_of(Fn::multiply),
                                  .out = place_of(program.inputs_ + k),
                                  .arity = 2,
                                  .args = {place_of(place[copies[k]]), place_of(one), 0}});
  }
};

Program::Program(const Expression& expression, std::span<const uint32_t> outputs, size_t inputs)
    : inputs_(inputs), results_(outputs.size()) {
  Plan(expression, *this, outputs).run(outputs);
}

void Program::run(DType dtype, std::span<const Input> inputs, std::span<Result> results, int64_t size) const {
  const bool wide = dtype == DType::float64;
  const size_t element = wide ? sizeof(double) : sizeof(float);
  const size_t sums = static_cast<size_t>(std::count_if(results.begin(), results.end(), [](auto& r) { return !r.data; }));
  const size_t registers = registers_ + sums;  // a result of which only the sum is wanted gets a register, too

  // Blocks as long as the registers of all values fit the first cache: their length depends on the function alone.
  int64_t block = kBlock;
  while (block > kLeastBlock && registers * element * static_cast<size_t>(block) > kRegisterBytes) block /= 2;
  const int64_t stride = std::min(block, (size + 15) / 16 * 16);
  std::vector<double> partial(sums * static_cast<size_t>((size + block - 1) / block));

  parallel_for(
      size, kGrain / 4,
      [&](int64_t begin, int64_t end) {
        const size_t table = places() * (sizeof(std::byte*) + sizeof(int64_t));
        const size_t bytes = table + 64 + registers * element * static_cast<size_t>(stride);
        alignas(64) std::byte local[kLocalBytes];
        const std::unique_ptr<std::byte[]> far(bytes > kLocalBytes ? new std::byte[bytes] : nullptr);
        std::byte* const memory = far ? far.get() : local;
        auto** const at = reinterpret_cast<const std::byte**>(memory);
        auto* const steps = reinterpret_cast<int64_t*>(at + places());
        std::byte* next = memory + (table + 63) / 64 * 64;
        const auto take = [&] { return std::exchange(next, next + element * static_cast<size_t>(stride)); };

        for (size_t k = 0; k < inputs_; ++k)
          at[k] = inputs[k].data + (inputs[k].repeated ? 0 : begin * static_cast<int64_t>(element)),
          steps[k] = !inputs[k].repeated;
        size_t p = inputs_;
        for (const Result& r : results) at[p] = r.data ? r.data + begin * static_cast<int64_t>(element) : take(), steps[p++] = 1;
        for (size_t k = 0; k < constants_.size(); ++k)
          at[p] = reinterpret_cast<const std::byte*>(wide ? static_cast<const void*>(&constants_[k]) : &narrow_constants_[k]),
          steps[p++] = 0;
        for (size_t k = 0; k < registers_; ++k) at[p] = take(), steps[p++] = 1;

        for (int64_t i = begin; i < end; i += block) {
          const int64_t n = std::min(block, end - i);
          for (const Call& call : calls_) {
            const void* args[3];
            int64_t arg_steps[3];
            for (size_t k = 0; k < 3; ++k) args[k] = at[call.args[k]], arg_steps[k] = steps[call.args[k]];
            call.kernels[wide](const_cast<std::byte*>(at[call.out]), args, arg_steps, n);
          }
          double* sum = partial.data() + static_cast<size_t>(i / block) * sums;
          for (size_t k = 0; k < results_; ++k)
            if (!results[k].data) *sum++ = kernels::block_sum(at[inputs_ + k], n, dtype);
          for (size_t k = 0; k < inputs_ + results_; ++k)
            if (k < inputs_ ? !inputs[k].repeated : results[k - inputs_].data != nullptr)
              at[k] += n * static_cast<int64_t>(element);
        }
      },
      block);

  size_t k = 0;
  for (Result& r : results) {
    if (r.data) continue;
    for (size_t i = k; i < partial.size(); i += sums) r.sum += partial[i];
    ++k;
  }
}

}  // namespace gradus::detail
