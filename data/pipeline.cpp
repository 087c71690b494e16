#include "data/pipeline.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include "autograd/ops.h"
#include "data/pass.h"

namespace gradus::data {
namespace {

using detail::PassScope;

class Mapped final : public Dataset {
 public:
  Mapped(Pipeline base, MapFunction f) : base_(std::move(base)), f_(std::move(f)) {}
  int64_t size() const override { return base_.size(); }
  Example get(int64_t i) const override {
    Example example;
    {
      const PassScope inside(PassScope::inside());
      example = base_.get(i);
    }
    return f_(example, i);
  }

 private:
  Pipeline base_;
  MapFunction f_;
};

/// The examples of the given numbers.
class Chosen final : public Dataset {
 public:
  Chosen(Pipeline base, Tensor order) : base_(std::move(base)), order_(std::move(order)), at_(order_.data<int64_t>()) {}
  int64_t size() const override { return order_.size(); }
  Example get(int64_t i) const override { return base_.get(at_[i]); }
  Example batch(const Tensor& indices) const override { return base_.batch(gradus::take(order_, indices)); }
  Example range(int64_t begin, int64_t end) const override { return base_.batch(order_.slice({Slice(begin, end)})); }

 private:
  Pipeline base_;
  Tensor order_;  // int64, contiguous
  const int64_t* at_;
};

/// [begin, begin + size) of another: ranges stay ranges, and so views where they were.
class Part final : public Dataset {
 public:
  Part(Pipeline base, int64_t begin, int64_t size) : base_(std::move(base)), begin_(begin), size_(size) {}
  int64_t size() const override { return size_; }
  Example get(int64_t i) const override { return base_.get(begin_ + i); }
  Example batch(const Tensor& indices) const override { return base_.batch(indices + begin_); }
  Example range(int64_t begin, int64_t end) const override { return base_.range(begin_ + begin, begin_ + end); }

 private:
  Pipeline base_;
  int64_t begin_, size_;
};

class Filtered final : public Dataset {
 public:
  Filtered(Pipeline base, Predicate keep) : base_(std::move(base)), keep_(std::move(keep)) {}
  int64_t size() const override { return chosen().size(); }
  Example get(int64_t i) const override { return chosen().get(i); }
  Example batch(const Tensor& indices) const override { return chosen().batch(indices); }
  Example range(int64_t begin, int64_t end) const override { return chosen().range(begin, end); }

 private:
  const Pipeline& chosen() const {
    std::call_once(once_, [this] {
      const PassScope always({});  // what is kept does not depend on who asks first
      std::vector<int64_t> kept;
      for (int64_t i = 0, n = base_.size(); i < n; ++i)
        if (keep_(base_.get(i))) kept.push_back(i);
      chosen_.emplace(std::make_shared<const Chosen>(base_, Tensor(kept)));
    });
    return *chosen_;
  }

  Pipeline base_;
  Predicate keep_;
  mutable std::once_flag once_;
  mutable std::optional<Pipeline> chosen_;
};

class Joined final : public Dataset {
 public:
  Joined(Pipeline first, Pipeline second) : parts_{std::move(first), std::move(second)}, cut_(parts_[0].size()) {}
  int64_t size() const override { return cut_ + parts_[1].size(); }
  Example get(int64_t i) const override {
    const bool second = i >= cut_;
    const PassScope inside(PassScope::inside(second));
    return parts_[second].get(second ? i - cut_ : i);
  }
  Example range(int64_t begin, int64_t end) const override {
    if (begin < cut_ && end > cut_) return Dataset::range(begin, end);
    const bool second = begin >= cut_;
    const PassScope inside(PassScope::inside(second));
    const int64_t offset = second ? cut_ : 0;
    return parts_[second].range(begin - offset, end - offset);
  }

 private:
  std::array<Pipeline, 2> parts_;
  int64_t cut_;
};

using Combine = std::function<Example(const Example&, const Example&)>;

class Zipped final : public Dataset {
 public:
  Zipped(Pipeline a, Pipeline b, Combine combine) : a_(std::move(a)), b_(std::move(b)), combine_(std::move(combine)) {}
  int64_t size() const override { return a_.size(); }
  Example get(int64_t i) const override { return combine_(part(a_, 0, i), part(b_, 1, i)); }

 private:
  static Example part(const Pipeline& of, uint64_t k, int64_t i) {
    const PassScope inside(PassScope::inside(k));
    return of.get(i);
  }
  Pipeline a_, b_;
  Combine combine_;
};

class Batched final : public Dataset {
 public:
  Batched(Pipeline base, int64_t n, bool drop_last) : base_(std::move(base)), n_(n), drop_last_(drop_last) {}
  int64_t size() const override { return base_.size() / n_ + (!drop_last_ && base_.size() % n_ != 0); }
  Example get(int64_t i) const override { return base_.range(i * n_, i * n_ + std::min(n_, base_.size() - i * n_)); }

 private:
  Pipeline base_;
  int64_t n_;
  bool drop_last_;
};

class Cached final : public Dataset {
 public:
  explicit Cached(Pipeline base) : base_(std::move(base)) {}
  int64_t size() const override { return base_.size(); }
  Example get(int64_t i) const override {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = kept_.find(i); found != kept_.end()) return found->second;
    }
    const PassScope always({});  // the same whoever comes first
    Example example = base_.get(i);
    const std::lock_guard lock(mutex_);
    return kept_.emplace(i, std::move(example)).first->second;
  }

 private:
  Pipeline base_;
  mutable std::mutex mutex_;
  mutable std::map<int64_t, Example> kept_;
};

template <class D, class... Arguments>
Pipeline make(Arguments&&... arguments) {
  return Pipeline(std::shared_ptr<const Dataset>(std::make_shared<const D>(std::forward<Arguments>(arguments)...)));
}

// A fraction such as 0.29 is stored a little below its value: 0.29 of 100 examples are 29 all the same.
int64_t portion(double fraction, int64_t n) {
  return std::min(n, static_cast<int64_t>(static_cast<double>(n) * fraction + 1e-6));
}

// The examples by their label, in order; one group where labels do not matter.
std::vector<std::vector<int64_t>> groups(const Pipeline& base, const std::vector<int64_t>& order, bool stratified) {
  if (!stratified) return {order};
  std::map<int64_t, std::vector<int64_t>> by_label;
  for (const int64_t i : order) {
    const Tensor label = base.get(i).y;
    if (!label.defined() || label.size() != 1)
      fail<ValueError>("split", "no single label to stratify by; got y of shape ", label.defined() ? label.shape() : Shape{0},
                       " for example ", i, ", expected one element");
    by_label[label.item<int64_t>()].push_back(i);
  }
  std::vector<std::vector<int64_t>> out;
  for (auto& [label, members] : by_label) out.push_back(std::move(members));
  return out;
}

}  // namespace

Pipeline::Pipeline(std::shared_ptr<const Dataset> dataset) : dataset_(std::move(dataset)) {
  if (!dataset_) fail<ValueError>("Pipeline", "no dataset; got a null pointer, expected one");
}

Example Pipeline::get(int64_t i) const {
  if (i < 0 || i >= size())
    fail<ValueError>("Dataset", "no such example; got ", i, ", expected at least 0 and less than ", size());
  return dataset_->get(i);
}

namespace detail {

Pipeline map(Pipeline base, MapFunction f) { return make<Mapped>(std::move(base), std::move(f)); }
Pipeline filter(Pipeline base, Predicate keep) { return make<Filtered>(std::move(base), std::move(keep)); }
Pipeline cache(Pipeline base) { return make<Cached>(std::move(base)); }
Pipeline concat(Pipeline base, Pipeline others) { return make<Joined>(std::move(base), std::move(others)); }

Pipeline shuffle(Pipeline base, uint64_t seed) {
  random::Generator generator(seed);
  Tensor order = random::permutation(base.size(), generator);
  return make<Chosen>(std::move(base), std::move(order));
}

Pipeline subset(Pipeline base, const Tensor& indices) {
  if (indices.ndim() != 1 || is_floating(indices.dtype()) || indices.dtype() == DType::boolean)
    fail<ValueError>("subset", "not a list of numbers; got ", indices.shape(), " of ", indices.dtype(),
                     ", expected integers [m]");
  Tensor order = indices.astype(DType::int64).contiguous();
  const int64_t *at = order.data<int64_t>(), *end = at + order.size(), n = base.size();
  const int64_t* wrong = std::find_if(at, end, [n](int64_t i) { return i < 0 || i >= n; });
  if (wrong != end)
    fail<ValueError>("subset", "no such example; got ", *wrong, " at position ", wrong - at,
                     ", expected at least 0 and less than ", n);
  return make<Chosen>(std::move(base), std::move(order));
}

Pipeline part(std::string_view op, Pipeline base, int64_t n, bool first) {
  if (n < 0) fail<ValueError>(op, "negative number of examples; got ", n, ", expected 0 or more");
  const int64_t size = base.size(), cut = std::min(n, size);
  return make<Part>(std::move(base), first ? 0 : cut, first ? cut : size - cut);
}

Pipeline zip(Pipeline base, Pipeline other, Combine combine) {
  if (base.size() != other.size())
    fail<ValueError>("zip", "different numbers of examples; got ", base.size(), " and ", other.size(), ", expected equal ones");
  if (!combine) combine = [](const Example& a, const Example& b) { return Example{a.x, b.x}; };
  return make<Zipped>(std::move(base), std::move(other), std::move(combine));
}

Pipeline batch(Pipeline base, int64_t n, bool drop_last) {
  if (n < 1) fail<ValueError>("batch", "batch size too small; got ", n, ", expected at least 1");
  return make<Batched>(std::move(base), n, drop_last);
}

std::vector<Pipeline> split(Pipeline base, const std::vector<double>& fractions, const SplitOptions& options) {
  double sum = 0;
  for (const double fraction : fractions) {
    sum += fraction;
    if (!(fraction >= 0 && sum <= 1 + 1e-9))
      fail<ValueError>("split", "fraction out of range; got ", fraction, ", expected 0 to 1, and at most 1 together");
  }
  const int64_t size = base.size();
  // Where the order is kept and labels do not matter, parts are ranges: no list of numbers, and views of tensors.
  if (!options.seed && !options.stratified) {
    std::vector<Pipeline> parts;
    double upto = 0;
    for (int64_t begin = 0; const double fraction : fractions) {
      upto += fraction;
      const int64_t end = portion(upto, size);
      parts.push_back(make<Part>(base, begin, end - begin));
      begin = end;
    }
    return parts;
  }
  std::vector<int64_t> order(static_cast<size_t>(size));
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  if (options.seed) {
    random::Generator generator(*options.seed);
    order = random::permutation(size, generator).to_vector<int64_t>();
  }
  std::vector<std::vector<int64_t>> chosen(fractions.size());
  for (const std::vector<int64_t>& group : groups(base, order, options.stratified)) {
    double upto = 0;
    for (size_t k = 0, begin = 0; k < fractions.size(); ++k) {
      upto += fractions[k];
      const auto end = static_cast<size_t>(portion(upto, static_cast<int64_t>(group.size())));
      chosen[k].insert(chosen[k].end(), group.begin() + static_cast<std::ptrdiff_t>(begin),
                       group.begin() + static_cast<std::ptrdiff_t>(end));
      begin = end;
    }
  }
  std::vector<Pipeline> parts;
  for (std::vector<int64_t>& numbers : chosen) {
    // Classes one after the other would be a bad order to learn from.
    if (!options.seed) std::ranges::sort(numbers);
    else if (options.stratified) {
      random::Generator generator(*options.seed, 1 + parts.size());
      const auto mixed = random::permutation(static_cast<int64_t>(numbers.size()), generator).to_vector<int64_t>();
      std::vector<int64_t> shuffled;
      for (const int64_t i : mixed) shuffled.push_back(numbers[static_cast<size_t>(i)]);
      numbers = std::move(shuffled);
    }
    parts.push_back(make<Chosen>(base, Tensor(numbers)));
  }
  return parts;
}

}  // namespace detail
}  // namespace gradus::data
