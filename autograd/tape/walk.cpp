#include "autograd/tape/walk.h"

#include <algorithm>

#include "autograd/kernels/pointwise.h"
#include "autograd/ops.h"
#include "autograd/tape/anomaly.h"
#include "autograd/tape/pooled.h"

namespace gradus::detail {
namespace {

// kUsed and kShared: one, or more, of those that need it have a rule that takes stacked rows.
enum Mark : uint8_t { kIdle = 0, kNeeded = 1, kSource = 2, kUsed = 4, kShared = 8 };

// What a shared weight is owed by several records, one below the other: one product of all the rows instead of many thin ones.
struct Stack {
  uint32_t to, record;
  int index;
  int64_t count;  // rows so far
  std::vector<Tensor> rows, gradients;
};

// Rows hold memory that the walk has left behind: at most so many, which is about as much as the weight itself has.
int64_t most_rows(const Node& weight) {
  if (weight.ndim != 2) return 512;
  const int64_t m = weight.dims()[0], n = weight.dims()[1];
  return std::max<int64_t>(16, m * n / std::max<int64_t>(1, m + n));
}

// Adjoints and marks for the numbers in [begin, end) densely, and for the few sources below begin in a sorted list.
struct Scratch {
  std::vector<uint8_t> marks;
  std::vector<Tensor> adjoints;
  std::vector<std::pair<uint32_t, Tensor>> low;
  std::vector<Stack> stacks;
};

class Walk {
 public:
  Walk(List& list, const WalkRequest& request)
      : list_(list), request_(request), begin_(request.tape.begin), checking_(list.checking()) {
    for (const uint32_t id : request.targets)
      if (id != kNoNode) end_ = std::max(end_, id + 1);
    end_ = std::max(end_, begin_);
    scratch_->marks.assign(end_ - begin_, kIdle);
    if (scratch_->adjoints.size() < end_ - begin_) scratch_->adjoints.resize(end_ - begin_);
    outer_ = list.begin_walk();
  }
  ~Walk() {
    list_.end_walk(outer_);
    // Every adjoint has been taken, unless a rule threw.
    if (!finished_) scratch_->adjoints.clear(), scratch_->stacks.clear();
    scratch_->low.clear();
  }

  void run(std::span<Tensor> out) {
    mark();
    for (size_t i = 0; i < request_.targets.size(); ++i)
      if (Tensor* slot = adjoint(request_.targets[i])) {
        if (checking_) check_seed(i, request_.seeds[i]);
        accumulate(*slot, request_.seeds[i]);
      }
    for (uint32_t id = end_; id-- > begin_;) {
      const uint8_t mark = scratch_->marks[id - begin_];
      if (mark & kShared) settle(id);
      if (mark & kNeeded) step(id, mark);
      else if (mark == kIdle && scratch_->adjoints[id - begin_].ref())
        scratch_->adjoints[id - begin_] = Tensor();  // a target without a path
      if (request_.release) list_.release_saved(id);
    }
    for (size_t i = 0; i < out.size(); ++i)
      if (Tensor* slot = adjoint(request_.sources[i])) out[i] = *slot;
    for (const uint32_t id : request_.sources)
      if (id != kNoNode && id >= begin_ && id < end_) scratch_->adjoints[id - begin_] = Tensor();
    finished_ = true;
  }

 private:
  // Where the adjoint of `id` is collected, or null when nobody asks for it.
  Tensor* adjoint(uint32_t id) {
    if (id == kNoNode || id >= end_) return nullptr;
    if (id >= begin_) return &scratch_->adjoints[id - begin_];
    auto& low = scratch_->low;
    const auto it =
        std::lower_bound(low.begin(), low.end(), id, [](const auto& entry, uint32_t key) { return entry.first < key; });
    return it != low.end() && it->first == id ? &it->second : nullptr;
  }
  // The same, but null too for what lies on no path from a source.
  Tensor* wanted(uint32_t id) {
    if (id >= begin_ && id < end_) [[likely]]
      return scratch_->marks[id - begin_] != kIdle ? &scratch_->adjoints[id - begin_] : nullptr;
    return adjoint(id);
  }

  // Forward sweep: which records lie on a path from a source.
  void mark() {
    auto& marks = scratch_->marks;
    uint32_t first = end_;
    for (const uint32_t id : request_.sources) {
      if (id == kNoNode || id >= end_) continue;
      first = std::min(first, std::max(id, begin_));
      if (id >= begin_) marks[id - begin_] |= kSource;
      else scratch_->low.emplace_back(id, Tensor());
    }
    auto& low = scratch_->low;
    std::sort(low.begin(), low.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    low.erase(std::unique(low.begin(), low.end(), [](const auto& a, const auto& b) { return a.first == b.first; }), low.end());
    auto gap = request_.tape.excluded.begin();
    for (uint32_t id = first; id < end_; ++id) {
      while (gap != request_.tape.excluded.end() && gap->second <= id) ++gap;
      if (gap != request_.tape.excluded.end() && gap->first <= id) continue;
      const Node& node = list_[id];
      if (!node.op) continue;
      const std::span<const uint32_t> ids = node.ids();
      for (uint32_t k = 0; k < node.inputs; ++k) {
        const Rule& rule = node.op->rule(k);
        if (!rule.gradient || !wanted(ids[k])) continue;
        marks[id - begin_] |= kNeeded;
        if (rule.stacked && ids[k] >= begin_) {
          uint8_t& weight = marks[ids[k] - begin_];
          weight |= weight & kUsed ? kShared : kUsed;
        }
      }
    }
  }

  void step(uint32_t id, uint8_t mark) {
    Tensor& slot = scratch_->adjoints[id - begin_];
    if (!slot.ref()) return;
    const Tensor g = mark & kSource ? slot : std::move(slot);
    const Node& node = list_[id];
    const std::span<const uint32_t> ids = node.ids();
    for (uint32_t k = 0; k < node.inputs; ++k) {
      const Rule& rule = node.op->rule(k);
      Tensor* slot_of_input = rule.gradient ? wanted(ids[k]) : nullptr;
      if (!slot_of_input) continue;
      const Saved saved(node, static_cast<int>(k));
      Tensor& to = *slot_of_input;
      if (rule.stacked && ids[k] >= begin_ && (scratch_->marks[ids[k] - begin_] & kShared) && stack(saved, ids[k], id, g))
        continue;
      if (rule.accumulate && !checking_ && !recorded(g) && !reads_recorded(node) && (to.ref() || rule.accumulate_from_zero) &&
          own(to, saved) && rule.accumulate(saved, g, *to.ref()))
        continue;
      Tensor part = checking_ ? checked_gradient(list_, id, saved, g) : rule.gradient(saved, g);
      if (!part.ref()) continue;  // the rule knows that nothing flows
      accumulate(to, fit(node, list_[ids[k]], static_cast<int>(k), std::move(part)));
      if (checking_) check_sum(list_, ids[k], to);
    }
  }

  // Puts a contribution on its weight's stack; declines where it must be computed by itself.
  bool stack(const Saved& saved, uint32_t to, uint32_t id, const Tensor& g) {
    const Node& node = list_[id];
    const int index = saved.index();
    const bool with_rows = node.op->rule(static_cast<uint32_t>(index)).saves & kIn0;
    if (checking_ || recording_depth > 0 || g.ndim() != 2 || (with_rows && saved.in(0).ndim() != 2)) return false;
    auto& stacks = scratch_->stacks;
    auto it = std::find_if(stacks.begin(), stacks.end(), [&](const Stack& s) { return s.to == to; });
    if (it != stacks.end() && (it->index != index || list_[it->record].op != node.op)) return false;
    if (it == stacks.end())
      it = stacks.insert(it, {.to = to, .record = id, .index = index, .count = 0, .rows = {}, .gradients = {}});
    if (with_rows) it->rows.push_back(saved.in(0));
    it->gradients.push_back(g);
    it->count += g.shape()[0];
    if (it->count >= most_rows(list_[to])) settle(to);
    return true;
  }

  // Adds up what is on the stack of `to`.
  void settle(uint32_t to) {
    auto& stacks = scratch_->stacks;
    const auto it = std::find_if(stacks.begin(), stacks.end(), [&](const Stack& s) { return s.to == to; });
    if (it == stacks.end()) return;
    const Stack s = std::move(*it);
    stacks.erase(it);
    const Node& node = list_[s.record];
    const auto joined = [](const std::vector<Tensor>& parts) { return parts.size() > 1 ? concat(parts, 0) : parts[0]; };
    const Tensor rows = s.rows.empty() ? Tensor() : joined(s.rows);
    Tensor& sum = *adjoint(to);
    Tensor part =
        node.op->rule(static_cast<uint32_t>(s.index))
            .stacked(Saved(node, s.index), rows, joined(s.gradients), sum.ref() && exclusive(sum) ? sum.ref().get() : nullptr);
    if (part.ref()) accumulate(sum, fit(node, list_[to], s.index, std::move(part)));
  }

  static bool recorded(const Tensor& x) { return recording_depth > 0 && on_tape(x); }

  // A gradient depends on what its rule has saved, too: that may be on an outer tape where g is not.
  static bool reads_recorded(const Node& node) {
    return recording_depth > 0 && std::any_of(node.saved_tensors(), node.saved_tensors() + node.saved, recorded);
  }

  static bool exclusive(const Tensor& x) {
    const TensorImpl& impl = *x.ref();
    return x.ref().unique() && impl.buffer.unique() && impl.contiguous && !impl.leaf.load(std::memory_order_relaxed);
  }

  // Makes `to` a buffer that nobody else sees. False when its history is being recorded.
  static bool own(Tensor& to, const Saved& saved) {
    if (!to.ref()) {
      to = zeros(saved.in_shape(), saved.in_dtype());
    } else if (recorded(to)) {
      return false;
    } else if (!exclusive(to)) {
      to = add(to, zeros(Shape{}, to.dtype()));
    }
    return true;
  }

  static void accumulate(Tensor& to, Tensor part) {
    if (!to.ref()) {
      to = std::move(part);
    } else if (exclusive(to) && !recorded(to) && !recorded(part)) {
      const TensorImpl* in[] = {&to.impl(), &part.impl()};
      kernels::pointwise(kernels::Fn::add, *to.ref(), in);
    } else {
      to = add(to, part);
    }
  }

  // Sums a gradient back over the dimensions in which the input was broadcast.
  static Tensor fit(const Node& node, const Node& input, int k, Tensor g) {
    const TensorImpl& impl = g.impl();
    if (impl.dtype != input.dtype)
      fail<TapeError>(node.op->name, "gradient of input ", k, " has the wrong dtype; got ", impl.dtype, ", expected ",
                      input.dtype);
    bool same = impl.ndim() == input.ndim;
    for (int i = 0; same && i < input.ndim; ++i) same = impl.shape[i] == input.dims()[i];
    if (same) [[likely]]
      return g;
    const Shape shape = input.shape();
    const int extra = impl.ndim() - shape.ndim();
    Shape axes;
    bool fits = node.op->broadcasts && extra >= 0;
    for (int i = 0; fits && i < impl.ndim(); ++i) {
      const int64_t dim = i < extra ? 1 : shape[i - extra];
      if (i < extra || (dim == 1 && impl.shape[i] != 1)) axes.push_back(i);
      else fits = dim == impl.shape[i];
    }
    if (!fits)
      fail<TapeError>(node.op->name, "gradient of input ", k, " has the wrong shape; got ", impl.shape, ", expected ", shape);
    return reshape(sum(g, Axes(axes)), shape);
  }

  List& list_;
  const WalkRequest& request_;
  const Pooled<Scratch> scratch_;
  uint32_t begin_, end_ = 0;
  uint64_t outer_ = 0;
  bool finished_ = false;
  const bool checking_;
};

}  // namespace

void walk(List& list, const WalkRequest& request, std::span<Tensor> out) { Walk(list, request).run(out); }

Path find_path(const List& list, const TapeState& tape, uint32_t target, uint32_t source, std::string_view& cut) {
  // The best path from the source to each record, upward; where it is cut, by what first.
  std::vector<Path> best(target + 1, Path::none);
  std::vector<std::string_view> cutter(target + 1);
  best[source] = Path::open;
  for (uint32_t id = source + 1; id <= target; ++id) {
    const Node& node = list[id];
    if (!node.op) continue;
    const Path here = tape.covers(id, list.size()) ? Path::open : Path::outside;
    const std::span<const uint32_t> ids = node.ids();
    for (uint32_t k = 0; k < node.inputs; ++k) {
      if (ids[k] == kNoNode || best[ids[k]] == Path::none) continue;
      const bool flows = node.op->rule(k).gradient != nullptr;
      best[id] = std::max(best[id], flows ? std::min(here, best[ids[k]]) : Path::cut);
      if (cutter[id].empty()) cutter[id] = flows || !cutter[ids[k]].empty() ? cutter[ids[k]] : node.op->name;
    }
  }
  cut = cutter[target];
  return best[target];
}

}  // namespace gradus::detail
