// DataLoader: a dataset in batches, in an order fixed by the seed.
//
//   for (auto [x, y] : data::DataLoader({images, labels}, {.batch_size = 128, .shuffle = true})) ...
//
// The loader shares the dataset. One thread iterates a loader at a time; iterators stand on their own and outlive it.
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>

#include "data/dataset.h"

namespace gradus::data {

struct LoaderOptions {
  int64_t batch_size = 32;
  bool shuffle = false;               // a new order each epoch
  std::optional<uint64_t> seed = {};  // of the orders; by default drawn from random::default_generator() when shuffling
  bool drop_last = false;             // leaves out a last batch that is not full
};

class DataLoader {
 public:
  using Options = LoaderOptions;

  /// ValueError for a batch size below 1, and when drop_last would leave no batch of a dataset that has examples.
  explicit DataLoader(std::shared_ptr<const Dataset> dataset, Options options = {});
  explicit DataLoader(TensorDataset dataset, Options options = {})
      : DataLoader(std::make_shared<const TensorDataset>(std::move(dataset)), options) {}
  template <std::derived_from<Dataset> D>
  explicit DataLoader(D dataset, Options options = {}) : DataLoader(std::make_shared<const D>(std::move(dataset)), options) {}

  /// Batches per epoch. The last one is smaller when the batch size does not divide the dataset, unless drop_last.
  int64_t size() const;
  const Dataset& dataset() const { return *dataset_; }
  uint64_t seed() const { return seed_; }
  /// Epochs begun so far. The order of epoch e depends on (seed, e, number of examples) alone, so a resumed run sets the epoch.
  uint64_t epoch() const { return epoch_; }
  void set_epoch(uint64_t epoch) { epoch_ = epoch; }

  class Iterator {
   public:
    using value_type = Example;
    using difference_type = std::ptrdiff_t;

    /// Makes the batch: a view of a TensorDataset read in order, a copy when shuffled.
    Example operator*() const;
    Iterator& operator++() {
      begin_ += batch_size_;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return begin_ >= stop_; }

   private:
    friend DataLoader;
    Iterator(std::shared_ptr<const Dataset> dataset, Tensor order, int64_t batch_size, int64_t stop)
        : dataset_(std::move(dataset)), order_(std::move(order)), batch_size_(batch_size), stop_(stop) {}

    std::shared_ptr<const Dataset> dataset_;
    Tensor order_;  // undefined: in order
    int64_t batch_size_, stop_, begin_ = 0;
  };

  /// Begins the next epoch.
  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

 private:
  std::shared_ptr<const Dataset> dataset_;
  Options options_;
  uint64_t seed_ = 0, epoch_ = 0;
};

}  // namespace gradus::data
