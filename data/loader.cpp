#include "data/loader.h"

#include <algorithm>
#include <limits>

#include "autograd/random.h"

namespace gradus::data {

DataLoader::DataLoader(std::shared_ptr<const Dataset> dataset, Options options)
    : dataset_(std::move(dataset)), options_(options) {
  if (!dataset_) fail<ValueError>("DataLoader", "no dataset; got a null pointer, expected one");
  if (options_.batch_size < 1)
    fail<ValueError>("DataLoader", "batch size too small; got ", options_.batch_size, ", expected at least 1");
  if (options_.drop_last && dataset_->size() > 0 && size() == 0)
    fail<ValueError>("DataLoader", "drop_last leaves no batch; got ", dataset_->size(), " examples, expected at least ",
                     options_.batch_size, "; use a smaller batch_size");
  if (options_.seed) seed_ = *options_.seed;
  else if (options_.shuffle)
    seed_ = static_cast<uint64_t>(random::randint({}, 0, std::numeric_limits<int64_t>::max()).item<int64_t>());
}

int64_t DataLoader::size() const {
  const int64_t n = dataset_->size(), full = n / options_.batch_size;
  return full + (!options_.drop_last && n % options_.batch_size != 0);
}

DataLoader::Iterator DataLoader::begin() {
  const int64_t n = dataset_->size(), stop = options_.drop_last ? size() * options_.batch_size : n;
  const uint64_t epoch = epoch_++;
  if (!options_.shuffle) return Iterator(dataset_, Tensor(), options_.batch_size, stop);
  random::Generator generator(seed_, epoch);
  return Iterator(dataset_, random::permutation(n, generator), options_.batch_size, stop);
}

Example DataLoader::Iterator::operator*() const {
  const int64_t end = begin_ + std::min(batch_size_, stop_ - begin_);
  return order_.defined() ? dataset_->batch(order_.slice({Slice(begin_, end)})) : dataset_->range(begin_, end);
}

}  // namespace gradus::data
