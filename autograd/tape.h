// GradientTape: records what happens to watched tensors and differentiates it.
//
// Each thread has one list of records; a tape is an interval on the list of the thread that made it, from its construction until
// it is consumed, paused for good or destroyed. Nested tapes are intervals inside intervals: derivatives of derivatives need
// nothing else. Tapes belong to their thread; different threads may record over the same variables at once.
//
//   GradientTape tape;
//   Tensor loss = mean(square(model(x) - y));
//   auto [dW, db] = tape.gradient(loss, W, b);
#pragma once

#include <array>
#include <concepts>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "autograd/tensor.h"
#include "autograd/variable.h"

namespace gradus {

struct TapeOptions {
  bool persistent = false;               // gradient() may be called more than once
  bool watch_accessed_variables = true;  // trainable variables are watched when they are read
  bool trace = false;                    // note where operations are called, for to_dot, to_json and messages; see graph.h
};

struct TapeStats;  // graph.h

/// What gradient() returns for a source without a path to the target: an undefined Tensor that knows the reason, zeros, or
/// TapeError.
enum class Unconnected : uint8_t { None, Zero, Error };

struct GradientOptions {
  std::vector<Tensor> output_gradients = {};  // one seed per target (an undefined one means ones), shaped like it
  Unconnected unconnected = Unconnected::None;
  bool create_graph = false;  // record the reverse pass on this tape too; needs a persistent tape
};

/// Which rows of a Jacobian, numbered through the flattened target: a large one can be had in parts from a persistent tape.
struct JacobianOptions {
  int64_t first_row = 0;
  int64_t rows = -1;  // -1: all that follow
};

namespace detail {
struct TapeState;

/// A variable or a watched tensor, by reference.
struct Source {
  const Tensor* value;
  std::string_view name;
  Source(const Tensor& tensor) : value(&tensor) {}
  Source(const Variable& variable) : value(&variable.value()), name(variable.name()) {}
};
}  // namespace detail

template <class T>
concept Differentiable = std::same_as<T, Tensor> || std::same_as<T, Variable>;

class GradientTape {
 public:
  using Options = TapeOptions;

  explicit GradientTape(Options options = {});
  ~GradientTape();
  GradientTape(const GradientTape&) = delete;
  GradientTape& operator=(const GradientTape&) = delete;

  /// Makes a tensor (or an untrainable variable) a source. DTypeError unless floating.
  void watch(const Tensor& tensor);
  void watch(const Variable& variable) { watch(variable.value()); }

  /// Gradient of the sum of the target's elements, shaped like the source. A tape that is not persistent is consumed:
  /// it stops recording, and a second call is a TapeError. The reverse pass is recorded by enclosing tapes only.
  Tensor gradient(const Tensor& target, const Tensor& source, const GradientOptions& options = {}) {
    return one({&target, 1}, source, options);
  }
  Tensor gradient(const Tensor& target, const Variable& source, const GradientOptions& options = {}) {
    return one({&target, 1}, source, options);
  }
  /// Several sources: auto [dW, db] = tape.gradient(loss, W, b).
  template <Differentiable A, Differentiable B, Differentiable... More>
  std::array<Tensor, 2 + sizeof...(More)> gradient(const Tensor& target, const A& a, const B& b, const More&... more) {
    const std::array<detail::Source, 2 + sizeof...(More)> sources{detail::Source(a), detail::Source(b), detail::Source(more)...};
    std::array<Tensor, 2 + sizeof...(More)> out;
    compute({&target, 1}, sources, {}, out);
    return out;
  }
  std::vector<Tensor> gradient(const Tensor& target, const std::vector<Variable>& sources, const GradientOptions& options = {}) {
    return many({&target, 1}, sources, options);
  }
  std::vector<Tensor> gradient(const Tensor& target, const std::vector<Tensor>& sources, const GradientOptions& options = {}) {
    return many({&target, 1}, sources, options);
  }
  /// tape.gradient(loss, {W, b})
  std::vector<Tensor> gradient(const Tensor& target, std::initializer_list<Variable> sources,
                               const GradientOptions& options = {}) {
    return many({&target, 1}, std::span(sources.begin(), sources.size()), options);
  }
  /// By name, in and out.
  template <Differentiable T>
  std::map<std::string, Tensor> gradient(const Tensor& target, const std::map<std::string, T>& sources,
                                         const GradientOptions& options = {}) {
    std::vector<detail::Source> list;
    for (const auto& [name, source] : sources) list.emplace_back(source).name = name;
    std::vector<Tensor> gradients(list.size());
    compute({&target, 1}, list, options, gradients);
    std::map<std::string, Tensor> out;
    size_t i = 0;
    for (const auto& [name, source] : sources) out.emplace(name, std::move(gradients[i++]));
    return out;
  }
  /// Several targets: the gradient of the sum of all their elements.
  Tensor gradient(const std::vector<Tensor>& targets, const Tensor& source, const GradientOptions& options = {}) {
    return one(targets, source, options);
  }
  Tensor gradient(const std::vector<Tensor>& targets, const Variable& source, const GradientOptions& options = {}) {
    return one(targets, source, options);
  }
  std::vector<Tensor> gradient(const std::vector<Tensor>& targets, const std::vector<Variable>& sources,
                               const GradientOptions& options = {}) {
    return many(targets, sources, options);
  }
  std::vector<Tensor> gradient(const std::vector<Tensor>& targets, const std::vector<Tensor>& sources,
                               const GradientOptions& options = {}) {
    return many(targets, sources, options);
  }

  /// d target / d source, shaped target.shape + source.shape; one walk per row, written straight into the result. Legal while
  /// recording; zeros where there is no path. A part of the rows comes shaped [rows] + source.shape. ValueError for rows that are
  /// not there.
  Tensor jacobian(const Tensor& target, const Tensor& source, const JacobianOptions& options = {});
  Tensor jacobian(const Tensor& target, const Variable& source, const JacobianOptions& options = {}) {
    return jacobian(target, source.value(), options);
  }
  /// For target [batch, y...] whose samples depend on the same sample of source [batch, x...] alone: [batch, y..., x...], in one
  /// walk per element of y. ShapeError unless there are as many samples.
  Tensor batch_jacobian(const Tensor& target, const Tensor& source);

  /// Nothing is recorded by this tape while the returned guard lives. A tape that is paused already stays so; TapeError for a
  /// consumed one.
  class Pause {
   public:
    explicit Pause(GradientTape& tape);
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    GradientTape& tape_;
    bool active_;
  };
  [[nodiscard]] Pause pause() { return Pause(*this); }

  /// Forgets everything recorded and starts anew, as if just constructed; memory is kept.
  void reset();

  bool recording() const;
  /// Number of operations recorded by this tape and the tapes inside it; 0 once consumed.
  int64_t size() const;
  bool persistent() const;
  /// What the tape holds, counted; include "autograd/graph.h". TapeError on another thread.
  TapeStats stats() const;

 private:
  friend class Tensor;
  Tensor one(std::span<const Tensor> targets, const detail::Source& source, const GradientOptions& options) {
    Tensor out;
    compute(targets, {&source, 1}, options, {&out, 1});
    return out;
  }
  template <class Sources>
  std::vector<Tensor> many(std::span<const Tensor> targets, const Sources& sources, const GradientOptions& options) {
    const std::vector<detail::Source> list(sources.begin(), sources.end());
    std::vector<Tensor> out(list.size());
    compute(targets, list, options, out);
    return out;
  }
  void compute(std::span<const Tensor> targets, std::span<const detail::Source> sources, const GradientOptions& options,
               std::span<Tensor> out);
  template <class Seed>
  Tensor rows(std::string_view op, const Tensor& target, const Tensor& source, int64_t count, const Seed& seed);

  detail::TapeState* state_;
};

/// Nothing is recorded by the tapes open on this thread while this lives. A tape opened meanwhile is on its own: it records, for
/// itself.
class NoRecord {
 public:
  NoRecord();
  ~NoRecord();
  NoRecord(const NoRecord&) = delete;
  NoRecord& operator=(const NoRecord&) = delete;

 private:
  uint64_t paused_;  // 0: no tape was recording
};

/// True when an operation on a watched tensor would be recorded on this thread.
bool is_recording();

}  // namespace gradus
