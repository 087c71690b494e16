// DataLoader: a dataset in batches, in an order fixed by the seed.
//
//   for (auto [x, y] : data::DataLoader({images, labels}, {.batch_size = 128, .shuffle = true})) ...
//   for (auto [x, y] : data::DataLoader(pictures.map(augment), {.shuffle = true, .workers = 2})) ...
//
// The batches are the same for any number of workers. The loader shares the dataset. One thread iterates a loader at a time;
// iterators stand on their own and outlive it. An epoch's workers end with the last iterator of the epoch, whatever they were at.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

#include "data/dataset.h"

namespace gradus::data {

struct LoaderOptions {
  int64_t batch_size = 32;
  bool shuffle = false;  // a new order each epoch
  std::optional<uint64_t> seed =
      {};                  // of the orders and of random steps; by default from random::default_generator() if shuffling
  bool drop_last = false;  // leaves out a last batch that is not full
  int workers = 0;         // threads that make batches ahead; 0: each is made when it is asked for
  int64_t prefetch = 2;    // batches per worker that are made or waiting, at least 1
  /// Makes a batch of examples of different sizes, say; by default they are stacked. Called from the workers.
  std::function<Example(const std::vector<Example>&)> collate = {};
};

class DataLoader {
 public:
  using Options = LoaderOptions;

  /// ValueError for options out of range, and when drop_last would leave no batch of a dataset that has examples.
  explicit DataLoader(std::shared_ptr<const Dataset> dataset, Options options = {});
  explicit DataLoader(TensorDataset dataset, Options options = {})
      : DataLoader(std::make_shared<const TensorDataset>(std::move(dataset)), std::move(options)) {}
  template <std::derived_from<Dataset> D>
  explicit DataLoader(D dataset, Options options = {})
      : DataLoader(std::make_shared<const D>(std::move(dataset)), std::move(options)) {}

  /// Batches per epoch. The last one is smaller when the batch size does not divide the dataset, unless drop_last.
  int64_t size() const;
  const Dataset& dataset() const { return *dataset_; }
  uint64_t seed() const { return seed_; }
  /// Epochs begun so far. The order of epoch e depends on (seed, e, number of examples) alone, so a resumed run sets the epoch.
  uint64_t epoch() const { return epoch_; }
  void set_epoch(uint64_t epoch) { epoch_ = epoch; }
  /// The next epoch, and only that one, begins at its batch k: a run that stopped after k batches goes on. Nothing is made of the
  /// batches before. ValueError for k < 0.
  void skip_batches(int64_t k);

  class Iterator {
   public:
    using value_type = Example;
    using difference_type = std::ptrdiff_t;

    /// The batch: a view of a TensorDataset read in order, a copy when shuffled. An error of the dataset is thrown here, with
    /// workers as without.
    Example operator*() const;
    Iterator& operator++();
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const;

   private:
    friend DataLoader;
    struct Epoch;
    Iterator(std::shared_ptr<Epoch> epoch, int64_t batch);

    std::shared_ptr<Epoch> epoch_;
    int64_t batch_;
  };

  /// Begins the next epoch.
  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

 private:
  std::shared_ptr<const Dataset> dataset_;
  Options options_;
  uint64_t seed_ = 0, epoch_ = 0;
  int64_t skip_ = 0;
};

}  // namespace gradus::data
