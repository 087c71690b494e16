#include "autograd/tape/list.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>

#include "autograd/tape/anomaly.h"

namespace gradus::detail {
namespace {

std::atomic<uint64_t> next_thread{1};

// By thread number (modulo the size): the epoch in which the oldest open tape began, 0 without one. Lets a thread see that a
// tensor belongs to another thread's open tape; threads that share a slot may miss it, never see it wrongly.
std::array<std::atomic<uint64_t>, 256> open_since{};

// Of a mask of saved values, which has few; std::popcount is a call where the processor's instruction is not assumed.
size_t count_bits(uint32_t mask) {
  size_t n = 0;
  for (; mask != 0; mask &= mask - 1) ++n;
  return n;
}

size_t hash(const Leaf* leaf) { return (reinterpret_cast<uintptr_t>(leaf) >> 4) * 0x9E3779B97F4A7C15u >> 32; }

}  // namespace

List& make_list() {
  thread_local List list;
  return *(current_list = &list);
}

void record_bytes(const Op& op, Tensor& out, std::span<const Tensor* const> inputs, std::span<const std::byte> attrs) {
  this_list().record(op, out, inputs, attrs);
}

bool on_tape(const Tensor& x) { return recording_depth > 0 && this_list().node_of(x.impl()) != kNoNode; }

List::List() : thread_(next_thread.fetch_add(1, std::memory_order_relaxed)), next_epoch_(thread_ << kEpochBits), table_(64) {
  segments_.push_back({++next_epoch_, 0});
}

List::~List() {
  for (TapeState* t : tapes_) {  // tapes that outlive their thread are empty
    t->recording = false;
    t->consumed = true;
    t->list = nullptr;
  }
  if (!tapes_.empty()) open_since[thread_ % open_since.size()].store(0, std::memory_order_relaxed);
  truncate(0);
  current_list = nullptr;
}

bool List::valid(uint64_t epoch, uint32_t id) const {
  if (epoch == segments_.back().epoch) [[likely]]
    return true;
  for (size_t i = segments_.size() - 1; i-- > 0;)
    if (segments_[i].epoch == epoch) return id < segments_[i + 1].begin;
  return false;
}

void List::check_foreign(const TensorImpl& x) const {
  const uint64_t thread = x.epoch >> kEpochBits;
  if (thread == thread_) return;
  const uint64_t since = open_since[thread % open_since.size()].load(std::memory_order_relaxed);
  if (since != 0 && since >> kEpochBits == thread && since <= x.epoch)
    fail<TapeError>("GradientTape", "tensor of another thread's open tape; got one of shape ", x.shape,
                    ", expected one of this thread; pass stop_gradient(x) from there");
}

uint32_t List::node_of(const TensorImpl& x) {
  if (x.epoch != 0) {
    if (valid(x.epoch, x.node)) return x.node;
    check_foreign(x);
  }
  Leaf* leaf = x.leaf.load(std::memory_order_acquire);
  if (!leaf) return kNoNode;
  if (const LeafEntry* e = find_entry(leaf)) return e->id;
  if (!leaf->variable || !leaf->trainable || auto_watching_ == 0) return kNoNode;
  auto* header = const_cast<TensorImpl*>(&x);
  return add_leaf(leaf, Tensor(Ref<TensorImpl>::share(header)));
}

uint32_t List::find(const TensorImpl& x) const {
  if (x.epoch != 0 && valid(x.epoch, x.node)) return x.node;
  const Leaf* leaf = x.leaf.load(std::memory_order_acquire);
  const LeafEntry* e = leaf ? find_entry(leaf) : nullptr;
  return e ? e->id : kNoNode;
}

uint32_t List::watch(const Tensor& x) {
  const TensorImpl& impl = x.impl();
  if (const uint32_t id = find(impl); id != kNoNode) return id;
  Leaf* leaf = impl.leaf.load(std::memory_order_acquire);
  if (!leaf) {
    auto* fresh = new Leaf;
    // Two threads may watch one tensor: the first leaf stays.
    if (const_cast<TensorImpl&>(impl).leaf.compare_exchange_strong(leaf, fresh, std::memory_order_acq_rel)) leaf = fresh;
    else delete fresh;
  }
  return add_leaf(leaf, x);
}

Node& List::append(const Op* op, const TensorImpl& out, uint32_t inputs, uint16_t mask, size_t attr_bytes) {
  if (nodes_.size() == kNoNode - 1) fail<TapeError>("GradientTape", "too many records; got 2^32 - 2, expected fewer");
  const auto saved = count_bits(mask);
  const size_t ids_offset = 8 * (saved + static_cast<size_t>(out.ndim())) + (attr_bytes + 7) / 8 * 8;
  Node node{.op = op,
            .block = arena_.allocate(ids_offset + 4 * inputs),
            .inputs = inputs,
            .ids_offset = static_cast<uint32_t>(ids_offset),
            .saved_mask = mask,
            .saved = static_cast<uint8_t>(saved),
            .ndim = static_cast<uint8_t>(out.ndim()),
            .dtype = out.dtype,
            .owns = op && op->destroy};
  std::copy(out.shape.begin(), out.shape.end(), const_cast<int64_t*>(node.dims()));
  return nodes_.push_back(node);
}

uint32_t List::add_leaf(const Leaf* leaf, const Tensor& value) {
  const uint32_t id = size();
  const Node& node = append(nullptr, value.impl(), 0, kOut, 0);
  new (node.saved_tensors()) Tensor(value);  // keeps the leaf alive, too
  leaves_.push_back(id);
  entry(leaf) = {leaf, segments_.back().epoch, id};
  return id;
}

void List::record(const Op& op, Tensor& out, std::span<const Tensor* const> inputs, std::span<const std::byte> attrs) {
  // First the numbers: finding them may add leaves, which must come before this record.
  uint32_t few[4];
  uint32_t* ids = few;
  if (inputs.size() > 4) ids_.resize(inputs.size()), ids = ids_.data();
  bool watched = false;
  uint16_t mask = 0;
  for (uint32_t k = 0; k < inputs.size(); ++k) {
    ids[k] = node_of(inputs[k]->impl());
    if (ids[k] == kNoNode) continue;
    watched = true;
    mask |= op.rule(k).saves;
  }
  if (!watched) return;
  if (observing_ > 0) [[unlikely]]
    observe(op, out, inputs);

  const uint32_t id = size();
  const Node& node = append(&op, out.impl(), static_cast<uint32_t>(inputs.size()), mask, attrs.size());
  TensorImpl& header = *out.ref();
  header.epoch = segments_.back().epoch;
  header.node = id;
  Tensor* slot = node.saved_tensors();
  for (uint32_t k = 0; k < inputs.size() && k < 15; ++k)
    if (mask >> k & 1u) new (slot++) Tensor(*inputs[k]);
  if (mask & kOut) new (slot) Tensor(out);
  if (!attrs.empty()) std::memcpy(node.attrs(), attrs.data(), attrs.size());
  std::copy(ids, ids + inputs.size(), const_cast<uint32_t*>(node.ids().data()));
}

void List::record_edges(const Op& op, Tensor& out, std::span<const uint32_t> ids, std::span<const std::byte> attrs) {
  if (observing_ > 0) observe(op, out, {});
  const uint32_t id = size();
  const Node& node = append(&op, out.impl(), static_cast<uint32_t>(ids.size()), 0, attrs.size());
  out.ref()->epoch = segments_.back().epoch;
  out.ref()->node = id;
  std::memcpy(node.attrs(), attrs.data(), attrs.size());
  std::copy(ids.begin(), ids.end(), const_cast<uint32_t*>(node.ids().data()));
}

// Throws before anything is recorded, so that the tape stays as it was.
void List::observe(const Op& op, const Tensor& out, std::span<const Tensor* const> inputs) {
  if (checking_ > 0) check_result(*this, op, out, inputs);
  trace_.note(size());
}

List::LeafEntry& List::entry(const Leaf* leaf) {
  if (2 * table_used_ >= table_.size()) rehash();
  size_t i = hash(leaf) & (table_.size() - 1);
  while (table_[i].leaf && table_[i].leaf != leaf) i = (i + 1) & (table_.size() - 1);
  if (!table_[i].leaf) ++table_used_;
  return table_[i];
}

const List::LeafEntry* List::find_entry(const Leaf* leaf) const {
  for (size_t i = hash(leaf) & (table_.size() - 1); table_[i].leaf; i = (i + 1) & (table_.size() - 1))
    if (table_[i].leaf == leaf) return valid(table_[i].epoch, table_[i].id) ? &table_[i] : nullptr;
  return nullptr;
}

void List::rehash() {
  std::vector<LeafEntry> old(std::bit_ceil(4 * leaves_.size() + 64));
  old.swap(table_);
  table_used_ = 0;
  for (const LeafEntry& e : old)
    if (e.leaf && valid(e.epoch, e.id)) entry(e.leaf) = e;  // entries of dropped records, which are stale, stay behind
}

void List::release_saved(uint32_t id) {
  Node& node = nodes_[id];
  if (!node.op) return;
  for (uint8_t i = 0; i < node.saved; ++i) node.saved_tensors()[i] = Tensor();
  if (std::exchange(node.owns, false)) node.op->destroy(node.attrs());
}

void List::destroy(uint32_t id) {
  const Node& node = nodes_[id];
  for (uint8_t i = 0; i < node.saved; ++i) node.saved_tensors()[i].~Tensor();
  if (node.owns) node.op->destroy(node.attrs());
}

void List::truncate(uint32_t size) {
  if (size >= this->size()) return;
  const std::byte* first = nodes_[size].block;
  for (uint32_t id = this->size(); id-- > size;) destroy(id);
  nodes_.truncate(size);
  trace_.truncate(size);
  arena_.truncate(first);
  while (!leaves_.empty() && leaves_.back() >= size) leaves_.pop_back();
  while (!segments_.empty() && segments_.back().begin >= size) segments_.pop_back();
  segments_.push_back({++next_epoch_, size});
}

void List::collect() {
  uint32_t needed = 0;
  for (const TapeState* t : tapes_) needed = std::max(needed, t->last(size()));
  truncate(needed);
}

void List::open(TapeState& tape) {
  tape.list = this;
  tape.begin = size();
  if (tapes_.empty()) open_since[thread_ % open_since.size()].store(segments_.back().epoch, std::memory_order_relaxed);
  tapes_.push_back(&tape);
  resume(tape);
}

void List::close(TapeState& tape) {
  std::erase(tapes_, &tape);
  if (tapes_.empty()) open_since[thread_ % open_since.size()].store(0, std::memory_order_relaxed);
  collect();
}

void List::resume(TapeState& tape) {
  tape.recording = true;
  ++recording_depth;
  auto_watching_ += tape.auto_watch;
  observing_ += tape.trace;
}

void List::suspend(TapeState& tape) {
  tape.recording = false;
  --recording_depth;
  auto_watching_ -= tape.auto_watch;
  observing_ -= tape.trace;
}

void List::pause(TapeState& tape) {
  suspend(tape);
  tape.excluded.emplace_back(size(), kNoNode);
}

void List::unpause(TapeState& tape) {
  auto& gap = tape.excluded.back();
  gap.second = size();
  if (gap.first == gap.second) tape.excluded.pop_back();
  resume(tape);
}

uint64_t List::mute() {
  ++mutes_;
  for (TapeState* t : tapes_) {
    if (!t->recording) continue;
    pause(*t);
    t->muted = mutes_;
  }
  return mutes_;
}

void List::unmute(uint64_t number) {
  for (TapeState* t : tapes_) {  // those that were not consumed or reset meanwhile
    if (t->muted != number) continue;
    t->muted = 0;
    if (t->end == kNoNode) unpause(*t);
  }
}

bool TapeState::covers(uint32_t id, uint32_t size) const {
  return begin <= id && id < last(size) &&
         std::none_of(excluded.begin(), excluded.end(), [id](const auto& gap) { return gap.first <= id && id < gap.second; });
}

// What a rule sees

const Tensor& Saved::saved(uint16_t bit) const {
  if (!(node_.saved_mask & bit))
    fail<TapeError>(node_.op->name, "gradient rule reads a value that its `saves` does not list; got mask ", node_.saved_mask,
                    ", expected bit ", bit);
  return node_.saved_tensors()[count_bits(node_.saved_mask & (bit - 1u))];
}

const std::byte* Saved::attribute_bytes() const { return node_.attrs(); }
Shape Saved::out_shape() const { return node_.shape(); }
Shape Saved::in_shape() const { return this_list()[node_.ids()[static_cast<size_t>(index_)]].shape(); }
DType Saved::in_dtype() const { return this_list()[node_.ids()[static_cast<size_t>(index_)]].dtype; }

}  // namespace gradus::detail
