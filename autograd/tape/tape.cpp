#include "autograd/tape.h"

#include <algorithm>
#include <optional>

#include "autograd/kernels/copy.h"
#include "autograd/ops.h"
#include "autograd/tape/pooled.h"
#include "autograd/tape/walk.h"

namespace gradus {

using detail::kNoNode;
using detail::Leaf;
using detail::List;
using detail::Source;
using detail::TapeState;

namespace {

constexpr std::string_view kName = "GradientTape";

// Nothing is recorded by `tape` in this scope; what outer tapes record meanwhile is not the tape's.
class Suspended {
 public:
  explicit Suspended(TapeState& tape) : tape_(tape.recording ? &tape : nullptr) {
    if (tape_) tape_->list->pause(*tape_);
  }
  ~Suspended() {
    if (tape_) tape_->list->unpause(*tape_);
  }
  Suspended(const Suspended&) = delete;
  Suspended& operator=(const Suspended&) = delete;

 private:
  TapeState* tape_;
};

void check_thread(const TapeState& tape, std::string_view op) {
  if (tape.list != &detail::this_list())
    fail<TapeError>(op, "tape of another thread; got a tape that was made elsewhere, expected one of this thread");
}

// After this the tape holds nothing; records that enclosing tapes need stay on the list.
void consume(TapeState& tape) {
  tape.end = std::min(tape.end, tape.list->size());
  tape.consumed = true;
  tape.list->close(tape);
}

bool alone(const TapeState& tape) {
  const uint32_t size = tape.list->size();
  return std::none_of(tape.list->tapes().begin(), tape.list->tapes().end(),
                      [&](const TapeState* t) { return t != &tape && t->begin < tape.last(size) && t->last(size) > tape.begin; });
}

// What gradient(), jacobian() and backward() do to their tape: one that is not persistent ends here and is consumed when this
// dies, whether the walk succeeds or a rule throws; a persistent one pauses, unless its graph is wanted.
class Answering {
 public:
  explicit Answering(TapeState& tape, bool create_graph = false) : tape_(tape), consuming_(!tape.persistent) {
    if (!consuming_) {
      if (!create_graph) suspended_.emplace(tape);
      return;
    }
    if (tape.recording) tape.list->suspend(tape);
    tape.end = std::min(tape.end, tape.list->size());
  }
  ~Answering() {
    if (consuming_) consume(tape_);
  }
  Answering(const Answering&) = delete;
  Answering& operator=(const Answering&) = delete;

  /// Saved values can go as soon as the walk has passed them.
  bool last() const { return consuming_ && alone(tape_); }

 private:
  TapeState& tape_;
  bool consuming_;
  std::optional<Suspended> suspended_;
};

// Number of the record a source stands for; kNoNode when this tape does not watch it.
uint32_t source_number(const TapeState& tape, const Tensor& source) {
  if (!source.defined()) return kNoNode;
  const uint32_t id = tape.list->find(source.impl());
  if (id == kNoNode || tape.auto_watch || (*tape.list)[id].op) return id;
  const Leaf* leaf = List::leaf_of((*tape.list)[id]);
  const bool watched = std::find(tape.watched.begin(), tape.watched.end(), leaf) != tape.watched.end();
  return leaf->variable && !watched ? kNoNode : id;
}

std::string unwatched_reason(const TapeState& tape, const Tensor& source) {
  const detail::TensorImpl& x = source.impl();
  const Leaf* leaf = x.leaf.load(std::memory_order_acquire);
  if (!is_floating(x.dtype)) return text("dtype ", x.dtype, " has no gradient");
  if (leaf && leaf->variable && !leaf->trainable) return "the variable is not trainable and was not watched";
  if (leaf && leaf->variable && !tape.auto_watch) return "the tape does not watch variables by itself; call watch()";
  if (leaf && leaf->variable) return "the variable was not read while the tape was recording";
  if (x.epoch != 0 && !tape.list->owns(x.epoch)) return "it was recorded on another thread";
  if (x.epoch != 0) return "it was recorded outside this tape, or the tape has dropped it";
  return "it was not watched; call watch() before using it";
}

std::string missing_reason(const TapeState& tape, const Source& source, uint32_t id, std::span<const Tensor> targets,
                           std::span<const uint32_t> numbers) {
  std::string reason = source.name.empty() ? "" : text("'", source.name, "': ");
  if (!source.value->defined()) return reason + "the source is undefined";
  if (id == kNoNode) return reason + unwatched_reason(tape, *source.value);
  bool recorded = false;
  for (const uint32_t target : numbers) {
    if (target == kNoNode) continue;
    recorded = true;
    std::string_view cut;
    switch (target < id ? detail::Path::none : detail::find_path(*tape.list, tape, target, id, cut)) {
      case detail::Path::open: return reason + "a gradient rule on the way gave no gradient";
      case detail::Path::outside:
        return reason + "the target's path to it was recorded outside this tape: before it began, or while it was paused";
      case detail::Path::cut: return reason + text("every path to the target is cut by ", cut, ", which has no gradient");
      case detail::Path::none: break;
    }
  }
  if (recorded) return reason + "the target does not depend on it";
  for (const Tensor& target : targets)
    if (!is_floating(target.dtype())) return reason + text("the target's dtype ", target.dtype(), " has no gradient");
  return reason + "the target was not recorded by this tape";
}

// Seeds: ones, or what the caller gave, checked.
Tensor seed_for(const Tensor& target, const std::vector<Tensor>& given, size_t i) {
  if (given.empty() || !given[i].ref()) return ones(target.shape(), target.dtype());
  const Tensor& seed = given[i];
  if (seed.shape() != target.shape())
    fail<ShapeError>("gradient", "output gradient ", i, " does not fit its target; got ", seed.shape(), ", expected ",
                     target.shape());
  return seed.astype(target.dtype());
}

// What gradient() asks of the walk.
struct Job {
  std::vector<uint32_t> targets, sources;
  std::vector<Tensor> seeds;
};
class Cleared {
 public:
  ~Cleared() { job_->targets.clear(), job_->sources.clear(), job_->seeds.clear(); }
  Job* operator->() const { return &*job_; }

 private:
  detail::Pooled<Job> job_;
};

}  // namespace

GradientTape::GradientTape(Options options) : state_(new TapeState) {
  state_->persistent = options.persistent;
  state_->auto_watch = options.watch_accessed_variables;
  state_->trace = options.trace;
  detail::this_list().open(*state_);
}

GradientTape::~GradientTape() {
  if (!state_->consumed) {
    if (state_->recording) state_->list->suspend(*state_);
    state_->list->close(*state_);
  }
  delete state_;
}

void GradientTape::watch(const Tensor& tensor) {
  check_thread(*state_, "watch");
  if (!is_floating(tensor.dtype()))
    fail<DTypeError>("watch", "only floating tensors have gradients; got ", tensor.dtype(), ", expected a floating dtype");
  if (!state_->recording)
    fail<TapeError>("watch", "the tape is not recording; got a consumed or paused tape, expected an open one");
  const uint32_t id = state_->list->watch(tensor);
  if (!(*state_->list)[id].op) state_->watched.push_back(List::leaf_of((*state_->list)[id]));
}

void GradientTape::compute(std::span<const Tensor> targets, std::span<const Source> sources, const GradientOptions& options,
                           std::span<Tensor> out) {
  check_thread(*state_, "gradient");
  TapeState& tape = *state_;
  if (tape.consumed)
    fail<TapeError>("gradient",
                    "the tape was consumed by an earlier gradient(); got a second call, expected one; "
                    "construct the tape with {.persistent = true}");
  if (options.create_graph && !tape.persistent)
    fail<TapeError>("gradient", "create_graph needs a persistent tape; got persistent = false; or nest a second tape outside");
  if (!options.output_gradients.empty() && options.output_gradients.size() != targets.size())
    fail<ValueError>("gradient", "one output gradient per target; got ", options.output_gradients.size(), ", expected ",
                     targets.size());

  const Cleared job;
  for (size_t i = 0; i < targets.size(); ++i) {
    const detail::TensorImpl& target = targets[i].impl();
    // While the tape records, asking for the gradient of a variable reads it.
    const uint32_t id = tape.recording ? tape.list->node_of(target) : tape.list->find(target);
    job->targets.push_back(is_floating(target.dtype) ? id : kNoNode);
    job->seeds.push_back(is_floating(target.dtype) ? seed_for(targets[i], options.output_gradients, i) : Tensor());
  }
  for (const Source& source : sources) job->sources.push_back(source_number(tape, *source.value));

  const Answering answering(tape, options.create_graph);
  detail::walk(*tape.list, {tape, job->targets, job->seeds, job->sources, answering.last()}, out);
  std::string error;
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i].ref()) continue;
    if (options.unconnected == Unconnected::Zero && sources[i].value->defined()) {
      out[i] = zeros_like(*sources[i].value);
      continue;
    }
    const std::string reason = missing_reason(tape, sources[i], job->sources[i], targets, job->targets);
    if (options.unconnected == Unconnected::Error && error.empty()) error = reason;
    out[i] = detail::missing(reason);
  }
  if (!error.empty()) fail<TapeError>("gradient", "no path from a source to the target; got ", error);
}

template <class Seed>
Tensor GradientTape::rows(std::string_view op, const Tensor& target, const Tensor& source, int64_t count, const Seed& seed) {
  check_thread(*state_, op);
  TapeState& tape = *state_;
  if (tape.consumed) fail<TapeError>(op, "the tape was consumed; got a second call, expected {.persistent = true}");
  Shape shape{count};
  for (const int64_t d : source.shape()) shape.push_back(d);
  const uint32_t to = tape.recording ? tape.list->node_of(target.impl()) : tape.list->find(target.impl());
  const uint32_t from = source_number(tape, source);
  const Answering answering(tape);
  const auto row = [&](int64_t i) {
    Tensor out;
    const Tensor from_above = seed(i);
    detail::walk(*tape.list, {tape, {&to, 1}, {&from_above, 1}, {&from, 1}}, {&out, 1});
    return out.ref() ? out : zeros_like(source);
  };
  if (detail::recording_depth > 0 && count > 0) {
    std::vector<Tensor> all;
    for (int64_t i = 0; i < count; ++i) all.push_back(row(i));
    return stack(all);
  }
  Tensor out = detail::empty(op, shape, source.dtype());
  const Strides strides = contiguous_strides(source.shape());
  for (int64_t i = 0; i < count; ++i)  // straight into the result: one row at a time is all that is ever extra
    kernels::copy(*detail::TensorImpl::view(out.impl(), source.shape(), strides, i * source.size()), row(i).impl());
  return out;
}

Tensor GradientTape::jacobian(const Tensor& target, const Tensor& source, const JacobianOptions& options) {
  const int64_t first = options.first_row, left = target.size() - first;
  const int64_t count = options.rows < 0 ? left : options.rows;
  if (first < 0 || left < 0 || count > left)
    fail<ValueError>("jacobian", "rows out of range; got ", count, " rows from ", first, ", expected rows of [0, ", target.size(),
                     ")");
  const Tensor out = rows("jacobian", target, source, count, [&](int64_t i) {
    return reshape(one_hot(Tensor(first + i), target.size(), target.dtype()), target.shape());
  });
  if (options.rows >= 0 || first > 0) return out;
  Shape shape = target.shape();
  for (const int64_t d : source.shape()) shape.push_back(d);
  return reshape(out, shape);
}

Tensor GradientTape::batch_jacobian(const Tensor& target, const Tensor& source) {
  if (target.ndim() == 0 || source.ndim() == 0 || target.shape()[0] != source.shape()[0])
    fail<ShapeError>("batch_jacobian", "numbers of samples differ; got ", target.shape(), " and ", source.shape(),
                     ", expected the same first dimension");
  const int64_t batch = target.shape()[0];
  int64_t count = 1;
  Shape shape = target.shape(), order{1, 0};
  for (int i = 1; i < target.ndim(); ++i) count *= target.shape()[i];
  for (int i = 1; i < source.ndim(); ++i) shape.push_back(source.shape()[i]), order.push_back(i + 1);
  // Every sample asks for its element i at once: no sample's gradient reaches another's.
  const Tensor out = rows("batch_jacobian", target, source, count, [&](int64_t i) {
    return reshape(broadcast_to(one_hot(Tensor(i), count, target.dtype()), {batch, count}), target.shape());
  });
  return reshape(permute(out, order), shape);
}

GradientTape::Pause::Pause(GradientTape& tape) : tape_(tape), active_(tape.state_->recording) {
  TapeState& state = *tape.state_;
  check_thread(state, "pause");
  if (state.consumed) fail<TapeError>("pause", "the tape is not recording; got a consumed tape, expected an open one");
  if (active_) state.list->pause(state);
}

GradientTape::Pause::~Pause() {
  TapeState& state = *tape_.state_;
  if (!active_ || state.consumed || state.recording) return;  // paused already, consumed or reset meanwhile
  state.list->unpause(state);
}

void GradientTape::reset() {
  check_thread(*state_, "reset");
  List& list = *state_->list;
  if (!state_->consumed) {
    if (state_->recording) list.suspend(*state_);
    list.close(*state_);
  }
  *state_ = TapeState{.persistent = state_->persistent, .auto_watch = state_->auto_watch, .trace = state_->trace};
  list.open(*state_);
}

bool GradientTape::recording() const { return state_->recording && !state_->consumed; }
int64_t GradientTape::size() const {
  if (state_->consumed) return 0;
  const std::vector<uint32_t>& leaves = state_->list->leaves();
  const uint32_t last = state_->last(state_->list->size());
  const auto operations = [&](uint32_t from, uint32_t to) {
    return int64_t{to} - from -
           (std::lower_bound(leaves.begin(), leaves.end(), to) - std::lower_bound(leaves.begin(), leaves.end(), from));
  };
  int64_t count = operations(state_->begin, last);
  for (const auto& [from, to] : state_->excluded) count -= operations(from, std::min(to, last));
  return count;
}
bool GradientTape::persistent() const { return state_->persistent; }

NoRecord::NoRecord() : paused_(detail::recording_depth > 0 ? detail::this_list().mute() : 0) {}
NoRecord::~NoRecord() {
  if (paused_ != 0) detail::this_list().unmute(paused_);
}
bool is_recording() { return detail::recording_depth > 0; }

void Tensor::backward() const {
  List& list = detail::this_list();
  if (!is_floating(dtype())) fail<DTypeError>("backward", "dtype has no gradient; got ", dtype(), ", expected a floating dtype");
  const uint32_t id = list.find(impl());
  TapeState* tape = nullptr;
  for (TapeState* t : list.tapes())
    if (id != kNoNode && t->covers(id, list.size())) tape = t;  // the innermost comes last
  if (!tape)
    fail<TapeError>("backward", "no tape of this thread holds the tensor; got ",
                    !list.tapes().empty() ? "a tensor that does not depend on anything watched" : "no open tape",
                    ", expected an open or persistent GradientTape around its computation");

  std::vector<uint32_t> sources;
  for (const uint32_t leaf : list.leaves())
    if (leaf <= id && source_number(*tape, list[leaf].saved_tensors()[0]) == leaf) sources.push_back(leaf);
  std::vector<Tensor> gradients(sources.size());
  const Answering answering(*tape);
  const Tensor seed = ones(shape(), dtype());
  detail::walk(list, {*tape, {&id, 1}, {&seed, 1}, sources, answering.last()}, gradients);
  bool some = false;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (!gradients[i].ref()) continue;
    some = true;
    Ref<detail::TensorImpl>& grad = List::leaf_of(list[sources[i]])->grad;
    grad = grad ? add(Tensor(grad), gradients[i]).ref() : gradients[i].ref();
  }
  if (!some)
    fail<TapeError>("backward", "nothing watched gets a gradient; got a tensor whose paths are all cut, expected an open one");
}

Tensor Tensor::grad() const {
  const Leaf* leaf = impl().leaf.load(std::memory_order_acquire);
  return leaf ? Tensor(leaf->grad) : Tensor();
}

}  // namespace gradus
