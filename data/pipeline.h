// Pipeline: datasets made from datasets.
//
//   const data::Pipeline train = data::TensorDataset(x, y).shuffle(7).take(1000).map([](const Tensor& x, const Tensor& y) {
//     return data::Example{x.astype(DType::float32) / 255, y};
//   });
//
// Nothing is computed before an example is asked for, and nothing is kept except by cache(). A Pipeline shares what it is made
// of; copies share everything. Like every dataset it is read from several threads at once, so that functions given to it must not
// write to what they share.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "data/example.h"

namespace gradus::data {

class Pipeline;

/// What map() accepts: f(example) or f(x, y), each with a random::Generator& as a last argument if it draws random numbers (see
/// example_generator); the result is an Example.
class MapFunction {
 public:
  template <class F>
  requires(!std::same_as<F, MapFunction>) MapFunction(F f) {
    using G = random::Generator;
    if constexpr (std::is_invocable_r_v<Example, const F&, const Example&, G&>)
      call_ = [f = std::move(f)](const Example& e, int64_t i) {
        G generator = example_generator(i);
        return Example(f(e, generator));
      };
    else if constexpr (std::is_invocable_r_v<Example, const F&, const Tensor&, const Tensor&, G&>)
      call_ = [f = std::move(f)](const Example& e, int64_t i) {
        G generator = example_generator(i);
        return Example(f(e.x, e.y, generator));
      };
    else if constexpr (std::is_invocable_r_v<Example, const F&, const Example&>)
      call_ = [f = std::move(f)](const Example& e, int64_t) { return Example(f(e)); };
    else {
      static_assert(std::is_invocable_r_v<Example, const F&, const Tensor&, const Tensor&>,
                    "map() takes f(example) or f(x, y), with a random::Generator& last if it draws, which gives an Example");
      call_ = [f = std::move(f)](const Example& e, int64_t) { return Example(f(e.x, e.y)); };
    }
  }
  Example operator()(const Example& example, int64_t i) const { return call_(example, i); }

 private:
  std::function<Example(const Example&, int64_t)> call_;
};

/// What filter() accepts: f(example) or f(x, y), giving a bool.
class Predicate {
 public:
  template <class F>
  requires(!std::same_as<F, Predicate>) Predicate(F f) {
    if constexpr (std::is_invocable_r_v<bool, const F&, const Example&>) call_ = std::move(f);
    else {
      static_assert(std::is_invocable_r_v<bool, const F&, const Tensor&, const Tensor&>,
                    "filter() takes f(example) or f(x, y), which gives a bool");
      call_ = [f = std::move(f)](const Example& e) { return bool(f(e.x, e.y)); };
    }
  }
  bool operator()(const Example& example) const { return call_(example); }

 private:
  std::function<bool(const Example&)> call_;
};

struct SplitOptions {
  std::optional<uint64_t> seed = {};  // shuffles first; without it the order is kept
  bool stratified = false;            // every class (y, one integer per example) is split by itself: each is read once
};

/// Examples one after the other, for range-for.
class ExampleIterator {
 public:
  using value_type = Example;
  using difference_type = std::ptrdiff_t;
  ExampleIterator(const Dataset& dataset) : dataset_(&dataset), size_(dataset.size()) {}
  Example operator*() const { return dataset_->get(i_); }
  ExampleIterator& operator++() { return ++i_, *this; }
  void operator++(int) { ++i_; }
  bool operator==(std::default_sentinel_t) const { return i_ >= size_; }

 private:
  const Dataset* dataset_;
  int64_t size_, i_ = 0;
};

/// A dataset from which others can be made: `class Mine : public data::Chain<Mine>`. Each of these copies *this into the result.
template <class Self>
class Chain : public Dataset {
 public:
  using Dataset::batch;

  /// f applied to each example when it is read.
  Pipeline map(MapFunction f) const;
  /// The examples for which `keep` holds. All are read once, when the first one, or their number, is asked for.
  Pipeline filter(Predicate keep) const;
  /// All examples in an order fixed by the seed. For a new order each epoch see DataLoader.
  Pipeline shuffle(uint64_t seed) const;
  /// The examples of these numbers (integers [m]), in this order; they may repeat. ValueError for a number out of range.
  Pipeline subset(const Tensor& indices) const;
  /// The first n, or all where there are fewer. ValueError for n < 0.
  Pipeline take(int64_t n) const;
  /// All but the first n. ValueError for n < 0.
  Pipeline skip(int64_t n) const;
  /// These and then the others.
  Pipeline concat(const Pipeline& others) const;
  /// Example i is combine(this one's, the other's); by default x of the first and x of the second as y. ValueError unless both
  /// have the same size.
  Pipeline zip(const Pipeline& other, std::function<Example(const Example&, const Example&)> combine = {}) const;
  /// Examples that are batches of n, the last one smaller unless drop_last. ValueError for n < 1.
  Pipeline batch(int64_t n, bool drop_last = false) const;
  /// Keeps every example once it was read. Random steps before it draw once, as in epoch 0.
  Pipeline cache() const;

  /// The first floor(fraction * size()) examples and the rest. ValueError unless 0 <= fraction <= 1.
  std::pair<Pipeline, Pipeline> split(double fraction) const;
  std::pair<Pipeline, Pipeline> split(double fraction, const SplitOptions& options) const;
  /// One part per fraction, in order: split({0.8, 0.1, 0.1}). ValueError for a negative fraction or a sum above 1.
  std::vector<Pipeline> split(const std::vector<double>& fractions, const SplitOptions& options = {}) const;

  ExampleIterator begin() const { return *this; }
  std::default_sentinel_t end() const { return {}; }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
};

/// Any dataset, shared.
class Pipeline final : public Chain<Pipeline> {
 public:
  /// ValueError for a null pointer.
  Pipeline(std::shared_ptr<const Dataset> dataset);
  template <std::derived_from<Dataset> D>
  requires(!std::same_as<D, Pipeline>) Pipeline(D dataset)
      : Pipeline(std::shared_ptr<const Dataset>(std::make_shared<const D>(std::move(dataset)))) {}

  int64_t size() const override { return dataset_->size(); }
  /// ValueError for a number out of range.
  Example get(int64_t i) const override;
  using Chain::batch;
  Example batch(const Tensor& indices) const override { return dataset_->batch(indices); }
  Example range(int64_t begin, int64_t end) const override { return dataset_->range(begin, end); }

 private:
  std::shared_ptr<const Dataset> dataset_;
};

namespace detail {
Pipeline map(Pipeline base, MapFunction f);
Pipeline filter(Pipeline base, Predicate keep);
Pipeline shuffle(Pipeline base, uint64_t seed);
Pipeline subset(Pipeline base, const Tensor& indices);
Pipeline part(std::string_view op, Pipeline base, int64_t n, bool first);  // the first n, or the rest
Pipeline concat(Pipeline base, Pipeline others);
Pipeline zip(Pipeline base, Pipeline other, std::function<Example(const Example&, const Example&)> combine);
Pipeline batch(Pipeline base, int64_t n, bool drop_last);
Pipeline cache(Pipeline base);
std::vector<Pipeline> split(Pipeline base, const std::vector<double>& fractions, const SplitOptions& options);
}  // namespace detail

template <class Self>
Pipeline Chain<Self>::map(MapFunction f) const {
  return detail::map(self(), std::move(f));
}
template <class Self>
Pipeline Chain<Self>::filter(Predicate keep) const {
  return detail::filter(self(), std::move(keep));
}
template <class Self>
Pipeline Chain<Self>::shuffle(uint64_t seed) const {
  return detail::shuffle(self(), seed);
}
template <class Self>
Pipeline Chain<Self>::subset(const Tensor& indices) const {
  return detail::subset(self(), indices);
}
template <class Self>
Pipeline Chain<Self>::take(int64_t n) const {
  return detail::part("take", self(), n, true);
}
template <class Self>
Pipeline Chain<Self>::skip(int64_t n) const {
  return detail::part("skip", self(), n, false);
}
template <class Self>
Pipeline Chain<Self>::concat(const Pipeline& others) const {
  return detail::concat(self(), others);
}
template <class Self>
Pipeline Chain<Self>::zip(const Pipeline& other, std::function<Example(const Example&, const Example&)> combine) const {
  return detail::zip(self(), other, std::move(combine));
}
template <class Self>
Pipeline Chain<Self>::batch(int64_t n, bool drop_last) const {
  return detail::batch(self(), n, drop_last);
}
template <class Self>
Pipeline Chain<Self>::cache() const {
  return detail::cache(self());
}
template <class Self>
std::pair<Pipeline, Pipeline> Chain<Self>::split(double fraction) const {
  return split(fraction, SplitOptions{});
}
template <class Self>
std::pair<Pipeline, Pipeline> Chain<Self>::split(double fraction, const SplitOptions& options) const {
  std::vector<Pipeline> parts = detail::split(self(), {fraction, 1 - fraction}, options);
  return {std::move(parts[0]), std::move(parts[1])};
}
template <class Self>
std::vector<Pipeline> Chain<Self>::split(const std::vector<double>& fractions, const SplitOptions& options) const {
  return detail::split(self(), fractions, options);
}

}  // namespace gradus::data
