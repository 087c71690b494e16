// Memory: what is live is exactly what somebody holds; a tape gives everything back; steady training asks the system for nothing.
#include "autograd/storage/memory.h"

#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "autograd/custom_gradient.h"
#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::approx;
using test::InUse;
using test::item;

// False under sanitizers, where every block is an allocation of its own.
bool pooled() {
  static const bool answer = [] {
    { const Tensor first = zeros({1 << 16}); }
    const int64_t before = memory::stats().system_allocations;
    { const Tensor second = zeros({1 << 16}); }
    return memory::stats().system_allocations == before;
  }();
  return answer;
}

// Bytes of one large tensor, header and all.
int64_t cost_of(const Shape& shape) {
  const int64_t before = memory::stats().live_bytes;
  const Tensor x = zeros(shape);
  return memory::stats().live_bytes - before;
}

TEST_CASE("blocks are counted, aligned and hold at least what was asked for") {
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{65}, size_t{80}, size_t{81}, size_t{1000},
                             size_t{4096}, size_t{32768}, size_t{32769}, size_t{40000}, size_t{1} << 20, (size_t{2} << 20) + 1}) {
    CAPTURE(bytes);
    const InUse before;
    uint32_t size_class = 0;
    void* block = memory::detail::allocate(bytes, size_class);
    const InUse during;
    CHECK(reinterpret_cast<uintptr_t>(block) % 64 == 0);
    CHECK(during.blocks == before.blocks + 1);
    CHECK(during.bytes - before.bytes >= static_cast<int64_t>(bytes));
    CHECK(during.bytes - before.bytes <= static_cast<int64_t>(bytes + bytes / 4 + 256));  // four classes per doubling
    std::memset(block, 0xA5, bytes);
    memory::detail::deallocate(block, size_class);
    CHECK(before == InUse());
  }
  uint32_t size_class = 0;
  CHECK_THROWS_AS(memory::detail::allocate(size_t{1} << 47, size_class), std::bad_alloc);
  CHECK_THROWS_AS(zeros({int64_t{1} << 46}), ShapeError);
}

TEST_CASE("live blocks do not overlap") {
  std::vector<std::pair<unsigned char*, uint32_t>> blocks;
  std::vector<size_t> sizes;
  for (size_t i = 0; i < 400; ++i) {
    const size_t bytes = 1 + (i * 7919) % 3000;
    uint32_t size_class = 0;
    auto* block = static_cast<unsigned char*>(memory::detail::allocate(bytes, size_class));
    std::memset(block, static_cast<int>(i % 251), bytes);
    blocks.emplace_back(block, size_class);
    sizes.push_back(bytes);
  }
  bool intact = true;
  for (size_t i = 0; i < blocks.size(); ++i) {
    for (size_t k = 0; k < sizes[i]; ++k) intact &= blocks[i].first[k] == static_cast<unsigned char>(i % 251);
    memory::detail::deallocate(blocks[i].first, blocks[i].second);
  }
  CHECK(intact);
}

TEST_CASE("a tensor frees what it took; views and copies of the handle take no second buffer") {
  const InUse before;
  {
    const Tensor x = zeros({1000});
    const InUse one;
    CHECK(one.bytes - before.bytes >= 4000);
    const Tensor handle = x, view = x["10:20"];
    const InUse two;
    CHECK(two.blocks == one.blocks + 1);  // the view's header
    CHECK(two.bytes - one.bytes < 1000);
  }
  CHECK(before == InUse());
}

TEST_CASE("peak and cache") {
  if (!pooled()) return;
  const int64_t size = cost_of({1 << 18});
  memory::release_cached();
  CHECK(memory::stats().cached_bytes == 0);
  memory::reset_peak();
  const memory::Stats start = memory::stats();
  {
    const Tensor a = zeros({1 << 18});
    { const Tensor b = zeros({1 << 18}), c = zeros({1 << 18}); }
    const Tensor d = zeros({1 << 18});
  }
  const memory::Stats end = memory::stats();
  CHECK(end.live_bytes == start.live_bytes);
  CHECK(end.peak_bytes - start.peak_bytes <= 3 * size);
  CHECK(end.peak_bytes - start.peak_bytes > 3 * (size - 1024));
  CHECK(end.system_allocations == start.system_allocations + 3);
  CHECK(end.cached_bytes > 2 * size);
  CHECK(end.cached_bytes <= end.peak_bytes);
  memory::release_cached();
  CHECK(memory::stats().cached_bytes == 0);
}

TEST_CASE("what is cached never exceeds twice the peak, whatever sizes come") {
  memory::release_cached();
  memory::reset_peak();
  for (int64_t i = 0; i < 200; ++i) {
    const Tensor x = zeros({10000 + i * 1000});
    const memory::Stats now = memory::stats();
    CHECK(now.cached_bytes <= 2 * now.peak_bytes);
  }
}

// Tapes

// A little of everything, recorded.
Tensor tangle(const Tensor& x, const Variable& w, const Variable& b) {
  const Tensor h = tanh(matmul(x, w) + b);
  const Tensor parts = concat({h["..., 0:2"], h["..., 2:"]}, -1);
  return sum(softmax(parts) * exp(h)) + mean(take(h, Tensor({0, 1, 0}))) + sum(transpose(h)[1]);
}

TEST_CASE("a closed tape gives everything back, however it ends") {
  Variable w(random::normal({3, 4})), b(zeros({4}));
  const Tensor x = random::normal({5, 3});
  {
    GradientTape warm;  // whatever the library keeps for good
    warm.gradient(tangle(x, w, b), w);
  }
  const InUse before;
  SUBCASE("unasked") {
    GradientTape tape;
    tangle(x, w, b);
    CHECK(!(before == InUse()));
  }
  SUBCASE("consumed") {
    GradientTape tape;
    tape.gradient(tangle(x, w, b), w, b);
    CHECK(before == InUse());  // at once, not when it is closed
  }
  SUBCASE("persistent") {
    GradientTape tape({.persistent = true});
    const Tensor y = tangle(x, w, b);
    for (int i = 0; i < 3; ++i) tape.gradient(y, w, b);
  }
  SUBCASE("reset") {
    GradientTape tape({.persistent = true});
    tangle(x, w, b);
    tape.reset();
    CHECK(before == InUse());
  }
  SUBCASE("nested") {
    GradientTape outer, inner;
    const Tensor g = inner.gradient(tangle(x, w, b), w);
    outer.gradient(g, w, b);
    CHECK(!(before == InUse()));  // g
  }
  SUBCASE("nested, closed in the order of opening") {
    std::optional<GradientTape> first, second;
    first.emplace();
    tangle(x, w, b);
    second.emplace();
    tangle(x, w, b);
    first.reset();
    CHECK(!(before == InUse()));
    second.reset();
    CHECK(before == InUse());
  }
  SUBCASE("create_graph") {
    GradientTape tape({.persistent = true});
    const Tensor g = tape.gradient(tangle(x, w, b), w, {.create_graph = true});
    tape.gradient(g, w);
  }
  SUBCASE("backward") {
    GradientTape tape;
    tangle(x, w, b).backward();
    w.zero_grad();
    b.zero_grad();
    CHECK(before == InUse());
  }
  SUBCASE("jacobian and hessian") {
    GradientTape tape;
    tape.jacobian(tangle(x, w, b), w);
    hessian([&](const Tensor& t) { return sum(tanh(matmul(x, t))); }, w);
  }
  SUBCASE("watched by hand") {
    GradientTape tape;
    tape.watch(random::normal({100}));  // kept by the tape alone
    const Tensor y = exp(x);
    tape.watch(y);
  }
  CHECK(before == InUse());
}

TEST_CASE("a gradient outlives its tape and costs no more than itself") {
  Variable w(random::normal({100, 100}));
  const InUse before;
  Tensor g;
  {
    GradientTape tape;
    g = tape.gradient(sum(exp(w) * w), w);
  }
  const InUse after;
  CHECK(after.blocks == before.blocks + 1);  // header and elements
  g = Tensor();
  CHECK(before == InUse());
}

TEST_CASE("accumulating losses keeps no graph alive") {
  Variable w(random::normal({100}));
  Tensor total(0.0f);
  const InUse before;
  for (int i = 0; i < 10; ++i) {
    {
      GradientTape tape;
      const Tensor loss = sum(w * w);
      tape.gradient(loss, w);
      total = total + loss;
    }
    CHECK(before == InUse());
  }
}

TEST_CASE("records save only what their rules need: nothing for sums, one factor for a constant times a variable") {
  Variable w(zeros({1 << 14}));
  const Tensor c = ones({1 << 14});
  GradientTape tape;
  Tensor y = w + c;
  const InUse one;
  for (int i = 0; i < 10; ++i) y = y + c;
  CHECK(one == InUse());
  for (int i = 0; i < 10; ++i) y = y * c;  // saves c, which is there anyway
  CHECK(one == InUse());
  for (int i = 0; i < 10; ++i) y = c - y;
  CHECK(one == InUse());
  const Tensor saved = y * w;
  CHECK(!(one == InUse()));
}

TEST_CASE("a tape that is not persistent releases what it saved as it walks") {
  constexpr int kDepth = 32;
  const Shape shape{1 << 15};
  const int64_t size = cost_of(shape);
  std::vector<Variable> w;
  for (int i = 0; i < kDepth; ++i) w.emplace_back(full(shape, 1.0 + 0.01 * i));
  const auto peak_of = [&](bool persistent) {
    GradientTape tape({.persistent = persistent});
    Tensor y = ones(shape);
    for (const Variable& v : w) y = y * v;  // every product is saved
    memory::reset_peak();
    const int64_t start = memory::stats().live_bytes;
    const std::vector<Tensor> g = tape.gradient(y, w);
    CHECK(g.size() == kDepth);
    return memory::stats().peak_bytes - start;
  };
  // One gradient per weight is added; without persistence one saved product goes for each.
  CHECK(peak_of(true) >= kDepth * size * 9 / 10);
  CHECK(peak_of(false) <= 6 * size);
}

TEST_CASE("adjoints go as soon as the walk has passed them") {
  constexpr int kDepth = 64;
  const Shape shape{1 << 15};
  const int64_t size = cost_of(shape);
  Variable w(ones(shape));
  GradientTape tape({.persistent = true});
  Tensor y = w * 1;
  for (int i = 0; i < kDepth; ++i) y = y * 1.01 + y;
  memory::reset_peak();
  const int64_t start = memory::stats().live_bytes;
  const Tensor g = tape.gradient(y, w);
  CHECK(memory::stats().peak_bytes - start <= 6 * size);
}

TEST_CASE("a deep network: the peak is what must be there, and memory falls as the walk proceeds") {
  constexpr int64_t kDepth = 24, kBatch = 4096, kUnits = 32;
  constexpr int64_t activation = kBatch * kUnits * 4;
  std::vector<Variable> weights, biases;
  for (int i = 0; i < kDepth; ++i) {
    weights.emplace_back(random::normal({kUnits, kUnits}, 0, 0.3));
    biases.emplace_back(zeros({kUnits}));
  }
  const Tensor x = random::normal({kBatch, kUnits});
  std::vector<int64_t> live;
  const auto train = [&] {
    live.clear();
    GradientTape tape;
    Tensor h = x;
    for (size_t i = 0; i < kDepth; ++i)
      h = gradient_hook(relu(matmul(h, weights[i]) + biases[i]),
                        [&](const Tensor&) { live.push_back(memory::stats().live_bytes); });
    std::vector<Variable> all = weights;
    all.insert(all.end(), biases.begin(), biases.end());
    const Tensor loss = mean(square(h));
    h = Tensor();
    return tape.gradient(loss, all);
  };
  train();  // whatever is made once
  memory::reset_peak();
  const int64_t before = memory::stats().live_bytes;
  const std::vector<Tensor> g = train();
  // By hand: the outputs of all layers, the gradient of the last one's output and, for a moment, of what goes into its relu.
  const int64_t parameters = kDepth * (kUnits * kUnits + kUnits) * 4;
  const int64_t least = (kDepth + 2) * activation;
  CHECK(memory::stats().peak_bytes - before >= least);
  CHECK(memory::stats().peak_bytes - before <= least * 105 / 100);
  // Nothing is left but the gradients and blocks of the lists.
  CHECK(memory::stats().live_bytes - before <= 2 * parameters);
  REQUIRE(live.size() == kDepth);
  for (size_t i = 1; i < live.size(); ++i) CHECK(live[i] <= live[i - 1] - activation + 2 * parameters / kDepth);
}

// Training

// Bytes the C library has handed out; 0 where it does not tell.
size_t heap_bytes() {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
  return mallinfo2().uordblks;
#else
  return 0;
#endif
}

TEST_CASE("ten thousand training steps grow nothing and ask the system for nothing") {
  random::Generator generator(3);
  Variable w1(random::normal({4, 8}, 0, 0.5, DType::float32, generator)), b1(zeros({8}));
  Variable w2(random::normal({8, 1}, 0, 0.5, DType::float32, generator)), b2(zeros({1}));
  const std::vector<Variable> all{w1, b1, w2, b2};
  const Tensor x = random::normal({16, 4}, 0, 1, DType::float32, generator), target = sum(x, 1, true);
  const float* memory_of_w1 = w1.value().data<float>();
  const auto step = [&] {
    GradientTape tape;
    const Tensor y = matmul(tanh(matmul(x, w1) + b1), w2) + b2;
    const Tensor loss = mean(square(y - target));
    const std::vector<Tensor> g = tape.gradient(loss, all);
    for (size_t i = 0; i < all.size(); ++i) all[i].assign_sub(0.05 * g[i]);
    return loss.item<float>();
  };
  const float first = step();
  for (int i = 0; i < 200; ++i) step();
  const InUse before;
  const int64_t system = memory::stats().system_allocations;
  const size_t heap = heap_bytes();
  bool steady = true;
  float last = 0;
  const int steps = pooled() ? 10000 : 1000;  // sanitizers are slow
  for (int i = 1; i <= steps; ++i) {
    last = step();
    if (i % 10 == 0) steady &= before == InUse();
  }
  CHECK(steady);
  if (pooled()) CHECK(memory::stats().system_allocations == system);
  CHECK(heap_bytes() <= heap + (64 << 10));
  CHECK(w1.value().data<float>() == memory_of_w1);  // updated in place throughout
  CHECK(last < 0.05f * first);                      // and it did train
}

TEST_CASE("large tensors are reused from step to step, though other sizes were in use before") {
  if (!pooled()) return;
  for (int64_t i = 0; i < 100; ++i) zeros({10000 + i * 1000});
  Variable w(random::normal({256, 256}));
  const Tensor x = random::normal({64, 256});
  const auto step = [&] {
    GradientTape tape;
    const Tensor g = tape.gradient(mean(square(tanh(matmul(x, w)))), w);
    w.assign_sub(0.01 * g);
  };
  for (int i = 0; i < 5; ++i) step();
  const int64_t before = memory::stats().system_allocations;
  for (int i = 0; i < 100; ++i) step();
  CHECK(memory::stats().system_allocations == before);
}

}  // namespace
}  // namespace gradus
