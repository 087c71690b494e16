// The Wengert list: what one thread has recorded, in order. Record numbers are 32-bit; a tensor remembers (epoch, number), and an
// epoch ends whenever records are dropped, so a number that outlives its record can go stale but never points to another one.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autograd/storage/leaf.h"
#include "autograd/tape/op.h"
#include "autograd/tape/stable_list.h"
#include "autograd/tape/trace.h"

namespace gradus::detail {

inline constexpr uint32_t kNoNode = UINT32_MAX;

/// One record. The block holds, in order: saved tensors, dims of the output, attributes, input numbers.
struct Node {
  const Op* op;  // null: a leaf, whose one saved tensor is the watched value
  std::byte* block;
  uint32_t inputs;      // number of inputs
  uint32_t ids_offset;  // where the input numbers start in the block
  uint16_t saved_mask;  // which of the op's inputs and output are saved
  uint8_t saved;        // their number
  uint8_t ndim;
  DType dtype;
  bool owns;  // attributes that are still to be destroyed

  Tensor* saved_tensors() const { return reinterpret_cast<Tensor*>(block); }
  const int64_t* dims() const { return reinterpret_cast<const int64_t*>(block + 8 * saved); }
  std::byte* attrs() const { return block + 8 * (static_cast<size_t>(saved) + ndim); }
  std::span<const uint32_t> ids() const { return {reinterpret_cast<const uint32_t*>(block + ids_offset), inputs}; }
  Shape shape() const { return Shape(std::span<const int64_t>(dims(), ndim)); }
};
static_assert(std::is_trivially_copyable_v<Node> && sizeof(Node) <= 32 && sizeof(Tensor) == 8);

/// The part of a list a tape covers, and how it records.
struct TapeState {
  uint32_t begin = 0;
  uint32_t end = kNoNode;  // kNoNode while open
  bool persistent = false, auto_watch = true, trace = false;
  bool recording = true, consumed = false;
  std::vector<std::pair<uint32_t, uint32_t>> excluded = {};  // recorded by other tapes while this one was paused
  std::vector<const Leaf*> watched = {};                     // by hand
  class List* list = nullptr;                                // null: its thread has ended
  uint64_t muted = 0;                                        // the mute() that paused it, or 0

  uint32_t last(uint32_t size) const { return end == kNoNode ? size : end; }
  /// True when this tape recorded `id`; `size` is the list's.
  bool covers(uint32_t id, uint32_t size) const;
};

class List {
 public:
  List();
  ~List();
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  const Node& operator[](uint32_t id) const { return nodes_[id]; }
  uint32_t size() const { return nodes_.size(); }

  void record(const Op& op, Tensor& out, std::span<const Tensor* const> inputs, std::span<const std::byte> attrs);
  /// The same for inputs given by number, of an operation that saves nothing.
  void record_edges(const Op& op, Tensor& out, std::span<const uint32_t> ids, std::span<const std::byte> attrs);
  /// Number of the record of `x`; a trainable variable gets one when a tape watches what is read. kNoNode for constants.
  uint32_t node_of(const TensorImpl& x);
  /// The same without making one.
  uint32_t find(const TensorImpl& x) const;
  /// Makes a leaf of `x`, unless it is on the list already.
  uint32_t watch(const Tensor& x);
  /// True when `epoch` belongs to this list, dead or alive.
  bool owns(uint64_t epoch) const { return epoch >> kEpochBits == thread_; }

  /// Numbers of the leaves, ascending.
  const std::vector<uint32_t>& leaves() const { return leaves_; }
  static Leaf* leaf_of(const Node& node) { return node.saved_tensors()[0].ref()->leaf.load(std::memory_order_acquire); }

  /// Drops what a record saved and owns; the record itself stays, and so does a leaf.
  void release_saved(uint32_t id);

  void open(TapeState& tape);
  void close(TapeState& tape);   // forgets the tape and every record no other tape needs
  void resume(TapeState& tape);  // recording counters
  void suspend(TapeState& tape);
  void pause(TapeState& tape);  // suspends it; what is recorded until unpause() is not the tape's
  void unpause(TapeState& tape);
  /// Pauses every tape that records now; the number is for unmute().
  uint64_t mute();
  void unmute(uint64_t number);
  /// Drops every record that no live tape covers.
  void collect();
  /// Drops what was recorded since `begin`, while every tape that was open then paused.
  void drop(uint32_t begin) { truncate(begin); }
  const std::vector<TapeState*>& tapes() const { return tapes_; }

  /// AnomalyMode: how often it is on for this thread.
  bool checking() const { return checking_ > 0; }
  void check(bool on) { checking_ += on ? 1 : -1, observing_ += on ? 1 : -1; }
  /// Where the record was made, if a tape traced or an AnomalyMode checked then.
  const CallStack* stack_of(uint32_t id) const { return trace_.at(id); }
  const CallStack* stack_here() { return trace_.here(); }

  /// Number of the walk that runs now. Walks nest: begin_walk() gives the outer one, for end_walk().
  uint64_t walk() const { return walk_; }
  uint64_t begin_walk() { return std::exchange(walk_, ++walks_); }
  void end_walk(uint64_t outer) { walk_ = outer; }

 private:
  static constexpr int kEpochBits = 40;
  struct LeafEntry {
    const Leaf* leaf = nullptr;
    uint64_t epoch = 0;
    uint32_t id = 0;
  };
  struct Segment {
    uint64_t epoch;
    uint32_t begin;
  };

  bool valid(uint64_t epoch, uint32_t id) const;
  void check_foreign(const TensorImpl& x) const;  // TapeError for a tensor of another thread's open tape
  Node& append(const Op* op, const TensorImpl& out, uint32_t inputs, uint16_t mask, size_t attr_bytes);
  uint32_t add_leaf(const Leaf* leaf, const Tensor& value);
  LeafEntry& entry(const Leaf* leaf);
  const LeafEntry* find_entry(const Leaf* leaf) const;
  void rehash();
  void observe(const Op& op, const Tensor& out, std::span<const Tensor* const> inputs);
  void destroy(uint32_t id);
  void truncate(uint32_t size);

  StableList<Node> nodes_;
  Arena arena_;
  std::vector<Segment> segments_;  // epochs alive, oldest first; the last one is current
  uint64_t thread_, next_epoch_;
  std::vector<uint32_t> leaves_;
  std::vector<LeafEntry> table_;  // open addressing by leaf; a power of two, at most half full
  size_t table_used_ = 0;
  std::vector<TapeState*> tapes_;  // live, in order of opening
  std::vector<uint32_t> ids_;      // scratch of record()
  int auto_watching_ = 0;          // recording tapes that watch what is read
  int observing_ = 0;              // recording tapes that trace, and checking_
  int checking_ = 0;               // living AnomalyModes
  uint64_t mutes_ = 0, walks_ = 0, walk_ = 0;
  Trace trace_;
};

/// This thread's list, null before it is first asked for and after it has ended.
inline constinit thread_local List* current_list = nullptr;
/// Makes it.
List& make_list();
inline List& this_list() { return current_list ? *current_list : make_list(); }

}  // namespace gradus::detail
