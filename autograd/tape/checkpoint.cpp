#include "autograd/checkpoint.h"

#include <algorithm>

#include "autograd/draw_log.h"
#include "autograd/tape.h"
#include "autograd/tape/checkpoint.h"
#include "autograd/tape/list.h"
#include "autograd/tape/walk.h"

namespace gradus::detail {
namespace {

// What a function read that others had recorded, or that is a variable.
struct Reads {
  std::vector<uint32_t> outside = {};  // records from before
  std::vector<Tensor> leaves = {};     // whose records are not from before

  void collect(const List& list, uint32_t begin) {
    for (uint32_t id = begin; id < list.size(); ++id) {
      const Node& node = list[id];
      if (!node.op) leaves.push_back(node.saved_tensors()[0]);
      for (const uint32_t input : node.ids())
        if (input < begin) outside.push_back(input);
    }
  }
};

// Records in a scope of its own: open tapes take no notice, and what was recorded is dropped at the end.
class Rehearsal {
 public:
  Rehearsal() : list_(this_list()), begin_(list_.size()) { list_.open(tape_); }
  ~Rehearsal() {
    list_.suspend(tape_);
    list_.close(tape_);
    list_.drop(begin_);
  }
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;

  uint32_t begin() const { return begin_; }

 private:
  const NoRecord quiet_;
  TapeState tape_;
  List& list_;
  uint32_t begin_;
};

// A tape that is closed with its scope.
class Scratch {
 public:
  Scratch() : list_(this_list()) { list_.open(tape_); }
  ~Scratch() {
    if (tape_.recording) list_.suspend(tape_);
    list_.close(tape_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::vector<Tensor> gradients(const Tensor& y, const Tensor& g, std::span<const uint32_t> ids) {
    list_.suspend(tape_);
    tape_.end = list_.size();
    const uint32_t target = list_.find(y.impl());
    std::vector<Tensor> out(ids.size());
    walk(list_, {tape_, {&target, 1}, {&g, 1}, ids}, out);
    return out;
  }

 private:
  List& list_;
  TapeState tape_;
};

}  // namespace

Tensor rehearse(const std::function<Tensor()>& f, Rehearsed& out) {
  List& list = this_list();
  Reads reads;
  Tensor y;
  {
    const Rehearsal rehearsal;
    const DrawScope scope(out.draws, DrawScope::Mode::write);
    y = f();
    if (const uint32_t id = list.find(y.impl()); id < rehearsal.begin()) return y;
    reads.collect(list, rehearsal.begin());
  }
  std::vector<uint32_t>& ids = out.ids = std::move(reads.outside);
  for (const Tensor& leaf : reads.leaves) ids.push_back(list.node_of(leaf.impl()));
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  while (!ids.empty() && ids.back() == kNoNode) ids.pop_back();  // variables that no open tape watches
  out.shape = y.shape();
  out.dtype = y.dtype();
  return Tensor(TensorImpl::view(y.impl(), y.shape(), y.strides(), 0));
}

std::vector<Tensor> rerun(std::string_view op, const std::function<Tensor()>& f, const Rehearsed& first, const Tensor& g) {
  Scratch tape;
  DrawLog draws = first.draws;
  Tensor y;
  {
    const DrawScope scope(draws, DrawScope::Mode::repeat);
    y = f();
  }
  if (y.shape() != first.shape || y.dtype() != first.dtype)
    fail<TapeError>(op, "the function does not repeat itself; got ", y.shape(), " ", y.dtype(), ", expected ", first.shape, " ",
                    first.dtype, " as the first time");
  return tape.gradients(y, g, first.ids);
}

Tensor checkpoint(std::function<Tensor()> f) {
  if (recording_depth == 0) return f();
  Rehearsed first;
  const Tensor y = rehearse(f, first);
  return record_rerun(y, first.ids, [f = std::move(f), first](const Tensor& g) { return rerun("checkpoint", f, first, g); });
}

}  // namespace gradus::detail
