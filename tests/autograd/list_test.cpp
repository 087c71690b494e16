// The Wengert list and its memory, with chunks so small that every boundary is crossed.
#include "autograd/tape/list.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "autograd/tape/stable_list.h"
#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using detail::Arena;
using detail::kIn0;
using detail::kIn1;
using detail::kNoNode;
using detail::kOut;
using detail::List;
using detail::Node;
using detail::Op;
using detail::Saved;
using detail::StableList;
using detail::TapeState;
using test::InUse;

template <uint32_t kLogChunk>
void check_stable_list() {
  StableList<uint64_t, kLogChunk> list;
  std::vector<uint64_t*> places;
  CHECK(list.size() == 0);
  for (uint64_t i = 0; i < 100; ++i) places.push_back(&list.push_back(i * i));
  CHECK(list.size() == 100);
  bool stable = true;
  for (uint32_t i = 0; i < 100; ++i) stable &= &list[i] == places[i] && list[i] == uint64_t{i} * i;
  CHECK(stable);
  for (const uint32_t size : {100u, 99u, 65u, 64u, 63u, 9u, 8u, 7u, 2u, 1u, 0u}) {
    CAPTURE(size);
    list.truncate(size);
    CHECK(list.size() == size);
    bool kept = true;
    for (uint32_t i = 0; i < size; ++i) kept &= list[i] == uint64_t{i} * i;
    CHECK(kept);
    for (uint32_t i = size; i < 100; ++i) kept &= &list.push_back(uint64_t{i} * i) == places[i];  // chunks are kept
    CHECK(kept);
  }
}

TEST_CASE("StableList: elements never move, chunks are kept") {
  check_stable_list<0>();
  check_stable_list<1>();
  check_stable_list<3>();
  check_stable_list<10>();
}

TEST_CASE("Arena: aligned, apart, and whole") {
  for (const size_t chunk : {size_t{8}, size_t{16}, size_t{64}, size_t{100}, size_t{1} << 16}) {
    CAPTURE(chunk);
    Arena arena(chunk);
    struct Block {
      std::byte* at;
      size_t bytes;
    };
    std::vector<Block> blocks;
    // Grow and drop, in a fixed pattern that hits every combination; each block is filled with its own number.
    uint32_t state = 1;
    const auto next = [&](uint32_t n) { return (state = state * 1664525u + 1013904223u) / 65536u % n; };
    bool right = true;
    for (int step = 0; step < 5000; ++step) {
      if (blocks.size() > 50 || (!blocks.empty() && next(8) == 0)) {
        const size_t keep = next(static_cast<uint32_t>(blocks.size()));
        arena.truncate(blocks[keep].at);
        blocks.resize(keep);
      }
      const size_t bytes = 1 + next(next(10) == 0 ? 300 : 40);  // some larger than a chunk
      std::byte* at = arena.allocate(bytes);
      right &= reinterpret_cast<uintptr_t>(at) % 8 == 0;
      std::memset(at, static_cast<int>(blocks.size()), bytes);
      blocks.push_back({at, bytes});
      if (step % 16 == 0)
        for (size_t i = 0; i < blocks.size(); ++i)
          right &= std::all_of(blocks[i].at, blocks[i].at + blocks[i].bytes, [&](std::byte b) { return b == std::byte(i); });
    }
    CHECK(right);
  }
}

TEST_CASE("Arena: the same requests after a truncation get the same memory") {
  Arena arena(64);
  std::vector<std::byte*> first, second;
  const auto fill = [&](std::vector<std::byte*>& blocks) {
    for (const size_t bytes : {24, 24, 24, 8, 200, 8, 64, 1, 0, 63, 40, 500, 16}) blocks.push_back(arena.allocate(bytes));
  };
  fill(first);
  for (int round = 0; round < 10; ++round) {
    arena.truncate(first[0]);
    second.clear();
    fill(second);
    CHECK(first == second);
  }
  arena.truncate(first[6]);
  CHECK(arena.allocate(64) == first[6]);
  arena.truncate(first[0]);
  arena.truncate(first[0]);  // again, with nothing to drop
  CHECK(arena.allocate(24) == first[0]);
}

// Lists

Tensor pass(const Saved&, const Tensor& g) { return g; }

int destroyed = 0;
constexpr Op kPlain{.name = "plain", .rules = {{{0, pass}, {0, pass}}}};
constexpr Op kSaving{.name = "saving", .rules = {{{kIn1 | kOut, pass}, {kIn0, pass}}}};
constexpr Op kMany{.name = "many", .rules = {{{0, pass}}}, .variadic = true};
constexpr Op kOwning{.name = "owning", .rules = {{{0, pass}}}, .destroy = [](std::byte* attrs) {
                       ++destroyed;
                       delete *reinterpret_cast<std::vector<int>**>(attrs);
                     }};

// A list of its own with one tape on it.
struct Recorder {
  List list;
  TapeState tape;
  Recorder() { list.open(tape); }
  ~Recorder() {
    if (tape.recording) list.suspend(tape);
    list.close(tape);
  }
  Tensor record(const Op& op, const std::vector<Tensor>& inputs, const Shape& shape = {}, std::span<const std::byte> attrs = {}) {
    std::vector<const Tensor*> pointers;
    for (const Tensor& x : inputs) pointers.push_back(&x);
    Tensor out = zeros(shape);
    list.record(op, out, pointers, attrs);
    return out;
  }
};

TEST_CASE("a record holds its shape, dtype, inputs, attributes and what its rules save") {
  Recorder r;
  const Tensor x = ones({2, 3}), c = ones({3});
  CHECK(r.list.watch(x) == 0);
  CHECK(r.list.watch(x) == 0);
  const std::array<int32_t, 3> attrs{7, 8, 9};
  const Tensor y = r.record(kSaving, {x, c}, {2, 3}, std::as_bytes(std::span(attrs)));
  CHECK(r.list.find(y.impl()) == 1);
  const Node& node = r.list[1];
  CHECK(node.op == &kSaving);
  CHECK((node.shape() == Shape{2, 3}));
  CHECK(node.dtype == DType::float32);
  REQUIRE(node.ids().size() == 2);
  CHECK(node.ids()[0] == 0);
  CHECK(node.ids()[1] == kNoNode);
  CHECK(std::memcmp(node.attrs(), attrs.data(), sizeof attrs) == 0);
  // Only the first input is on the tape: only its rule's needs are kept.
  CHECK(node.saved_mask == (kIn1 | kOut));
  const Saved saved(node, 0);
  CHECK(saved.in(1).ref().get() == c.ref().get());
  CHECK(saved.out().ref().get() == y.ref().get());
  CHECK((saved.out_shape() == Shape{2, 3}));
  CHECK_THROWS_AS(saved.in(0), TapeError);
  r.list.release_saved(1);
  CHECK(!saved.in(1).defined());
  CHECK(node.ids()[0] == 0);
}

TEST_CASE("constants leave no record") {
  Recorder r;
  const Tensor c = ones({3});
  const Tensor y = r.record(kSaving, {c, c});
  CHECK(r.list.size() == 0);
  CHECK(r.list.node_of(y.impl()) == kNoNode);
  CHECK(y.impl().epoch == 0);
}

TEST_CASE("many inputs, among them constants") {
  Recorder r;
  std::vector<Tensor> inputs;
  for (int i = 0; i < 300; ++i) {
    inputs.push_back(ones({}));
    if (i % 3 != 1) r.list.watch(inputs.back());
  }
  const Tensor y = r.record(kMany, inputs);
  const Node& node = r.list[r.list.size() - 1];
  REQUIRE(node.ids().size() == 300);
  bool right = true;
  uint32_t leaf = 0;
  for (size_t i = 0; i < 300; ++i) right &= node.ids()[i] == (i % 3 == 1 ? kNoNode : leaf++);
  CHECK(right);
  CHECK(r.list.leaves().size() == 200);
}

TEST_CASE("records of every shape and attribute size follow each other intact, across all chunks") {
  Recorder r;
  const Tensor x = ones({});
  r.list.watch(x);
  std::vector<Tensor> outs;
  std::vector<std::byte> attrs(9000);
  for (size_t i = 0; i < attrs.size(); ++i) attrs[i] = std::byte(i % 250);
  const auto length = [](size_t i) { return i % 500 == 0 ? size_t{9000} : i % 100; };
  for (size_t i = 0; i < 3000; ++i) {
    const Shape shape = Shape::filled(static_cast<int>(i % 9), 1);
    outs.push_back(
        r.record(i % 2 == 0 ? kPlain : kSaving, {i == 0 ? x : outs[i / 2], x}, shape, std::span(attrs).first(length(i))));
  }
  bool right = r.list.size() == 3001;
  for (uint32_t i = 0; i < 3000 && right; ++i) {
    const Node& node = r.list[i + 1];
    right &= r.list.find(outs[i].impl()) == i + 1 && node.ndim == i % 9 && node.ids().size() == 2 &&
             node.ids()[0] == (i == 0 ? 0 : i / 2 + 1) && node.ids()[1] == 0 &&
             std::memcmp(node.attrs(), attrs.data(), length(i)) == 0 && reinterpret_cast<uintptr_t>(node.attrs()) % 8 == 0;
    if (i % 2 == 1) right &= Saved(node, 0).out().ref().get() == outs[i].ref().get();
  }
  CHECK(right);
}

TEST_CASE("numbers of dropped records are dead, even when other records have taken them") {
  Recorder r;
  const Tensor x = ones({});
  r.list.watch(x);
  const Tensor kept = r.record(kPlain, {x, x});
  TapeState inner;
  r.list.open(inner);
  const Tensor dropped = r.record(kPlain, {kept, x});
  CHECK(r.list.find(dropped.impl()) == 2);
  // Only the inner tape goes on: then its end is the end of what is needed.
  r.list.suspend(inner);
  r.tape.end = 2;
  r.list.close(inner);
  CHECK(r.list.size() == 2);
  CHECK(r.list.find(dropped.impl()) == kNoNode);
  CHECK(r.list.find(kept.impl()) == 1);
  CHECK(r.list.find(x.impl()) == 0);
  const Tensor next = r.record(kPlain, {kept, x});
  CHECK(r.list.find(next.impl()) == 2);
  CHECK(r.list.find(dropped.impl()) == kNoNode);  // though its number is 2, too
  CHECK(r.list.find(kept.impl()) == 1);
  CHECK(r.list.node_of(dropped.impl()) == kNoNode);
  r.tape.end = kNoNode;
}

TEST_CASE("many generations of numbers, partly kept") {
  Recorder r;
  const Tensor x = ones({});
  r.list.watch(x);
  std::vector<Tensor> live{x}, dead;
  uint32_t state = 7;
  bool right = true;
  for (int round = 0; round < 200; ++round) {
    state = state * 1664525u + 1013904223u;
    for (uint32_t i = 0; i < 1 + state / 65536u % 5; ++i) live.push_back(r.record(kPlain, {live.back(), x}));
    state = state * 1664525u + 1013904223u;
    const auto keep = 1 + state / 65536u % static_cast<uint32_t>(live.size());
    r.tape.end = keep;
    r.list.collect();
    r.tape.end = kNoNode;
    while (live.size() > keep) dead.push_back(live.back()), live.pop_back();
    for (uint32_t i = 0; i < live.size(); ++i) right &= r.list.find(live[i].impl()) == i;
    for (const Tensor& d : dead) right &= r.list.find(d.impl()) == kNoNode;
  }
  CHECK(right);
  CHECK(dead.size() > 100);
}

TEST_CASE("thousands of leaves: the table grows, forgets and is reused") {
  Recorder r;
  for (const int count : {10, 5000, 3, 1000}) {
    CAPTURE(count);
    std::vector<Tensor> leaves;
    bool right = true;
    for (int i = 0; i < count; ++i) {
      leaves.push_back(ones({}));
      right &= r.list.watch(leaves.back()) == static_cast<uint32_t>(i);
    }
    for (int i = 0; i < count; ++i) right &= r.list.find(leaves[static_cast<size_t>(i)].impl()) == static_cast<uint32_t>(i);
    CHECK(right);
    r.tape.end = static_cast<uint32_t>(count) / 2;
    r.list.collect();
    for (int i = 0; i < count; ++i)
      right &= r.list.find(leaves[static_cast<size_t>(i)].impl()) == (i < count / 2 ? static_cast<uint32_t>(i) : kNoNode);
    CHECK(right);
    CHECK(r.list.leaves().size() == static_cast<size_t>(count / 2));
    r.tape.end = 0;
    r.list.collect();
    r.tape.end = kNoNode;
    for (const Tensor& leaf : leaves) right &= r.list.find(leaf.impl()) == kNoNode;
    CHECK(right);
  }
}

TEST_CASE("attributes that own something are destroyed when released or with their record, once") {
  const InUse before;
  destroyed = 0;
  {
    Recorder r;
    const Tensor x = ones({});
    r.list.watch(x);
    for (int i = 0; i < 5; ++i) {
      const auto* owned = new std::vector<int>(100);
      r.record(kOwning, {x}, {}, std::as_bytes(std::span(&owned, 1)));
    }
    r.list.release_saved(4);
    r.list.release_saved(4);
    CHECK(destroyed == 1);
    r.tape.end = 3;
    r.list.collect();
    r.tape.end = kNoNode;
    CHECK(destroyed == 3);
  }
  CHECK(destroyed == 5);
  CHECK(before == InUse());
}

TEST_CASE("a list that dies with records on it frees them and empties its tapes") {
  const InUse before;
  destroyed = 0;
  TapeState tape;
  {
    auto list = std::make_unique<List>();
    list->open(tape);
    const Tensor x = ones({});
    list->watch(x);
    Tensor y = zeros({});
    const auto* owned = new std::vector<int>(100);
    const Tensor* inputs[] = {&x};
    list->record(kOwning, y, inputs, std::as_bytes(std::span(&owned, 1)));
    list->suspend(tape);
  }
  CHECK(destroyed == 1);
  CHECK(tape.list == nullptr);
  CHECK(tape.consumed);
  CHECK(before == InUse());
}

TEST_CASE("lists do not mistake each other's numbers") {
  Recorder a, b;
  const Tensor x = ones({});
  a.list.watch(x);
  const Tensor y = a.record(kPlain, {x, x});
  CHECK(a.list.owns(y.impl().epoch));
  CHECK(!b.list.owns(y.impl().epoch));
  CHECK(b.list.find(y.impl()) == kNoNode);
  CHECK(b.list.find(x.impl()) == kNoNode);
  CHECK_THROWS_AS(b.list.node_of(y.impl()), TapeError);  // its tape is open
  CHECK(b.list.watch(x) == 0);                           // a watched tensor may be watched by both
  CHECK(a.list.find(x.impl()) == 0);
}

TEST_CASE("which records a tape covers") {
  TapeState tape;
  tape.begin = 3;
  tape.excluded = {{5, 7}, {8, kNoNode}};
  std::vector<uint32_t> covered;
  for (uint32_t id = 0; id < 12; ++id)
    if (tape.covers(id, 10)) covered.push_back(id);
  CHECK(covered == std::vector<uint32_t>{3, 4, 7});
  tape.excluded.clear();
  tape.end = 5;
  CHECK(!tape.covers(2, 10));
  CHECK(tape.covers(4, 10));
  CHECK(!tape.covers(5, 10));
}

}  // namespace
}  // namespace gradus
