#include "data/loader.h"

#include <algorithm>
#include <limits>

#include "autograd/random.h"
#include "data/pass.h"
#include "data/prefetch.h"

namespace gradus::data {

/// One pass over the dataset: makes batch k, by itself or with workers.
struct DataLoader::Iterator::Epoch {
  std::shared_ptr<const Dataset> dataset;
  Options options;
  detail::Pass pass;
  Tensor order;  // undefined: as they are
  int64_t examples, batches;
  std::optional<detail::Prefetch> ahead = {};  // last: its threads use the others

  Example make(int64_t k) const {
    const detail::PassScope reading(pass);
    const int64_t begin = k * options.batch_size, end = begin + std::min(options.batch_size, examples - begin);
    if (options.collate) {
      std::vector<Example> chosen;
      const int64_t* at = order.defined() ? order.data<int64_t>() : nullptr;
      for (int64_t i = begin; i < end; ++i) chosen.push_back(dataset->get(at ? at[i] : i));
      return options.collate(chosen);
    }
    return order.defined() ? dataset->batch(order.slice({Slice(begin, end)})) : dataset->range(begin, end);
  }
};

DataLoader::Iterator::Iterator(std::shared_ptr<Epoch> epoch, int64_t batch) : epoch_(std::move(epoch)), batch_(batch) {}

Example DataLoader::Iterator::operator*() const { return epoch_->ahead ? epoch_->ahead->get(batch_) : epoch_->make(batch_); }

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  ++batch_;
  if (epoch_->ahead) epoch_->ahead->release(batch_);
  return *this;
}

bool DataLoader::Iterator::operator==(std::default_sentinel_t) const { return batch_ >= epoch_->batches; }

DataLoader::DataLoader(std::shared_ptr<const Dataset> dataset, Options options)
    : dataset_(std::move(dataset)), options_(std::move(options)) {
  const auto at_least = [](std::string_view what, int64_t value, int64_t least) {
    if (value < least) fail<ValueError>("DataLoader", what, " too small; got ", value, ", expected at least ", least);
  };
  if (!dataset_) fail<ValueError>("DataLoader", "no dataset; got a null pointer, expected one");
  at_least("batch size", options_.batch_size, 1);
  at_least("number of workers", options_.workers, 0);
  at_least("prefetch", options_.prefetch, 1);
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

void DataLoader::skip_batches(int64_t k) {
  if (k < 0) fail<ValueError>("skip_batches", "negative number of batches; got ", k, ", expected 0 or more");
  skip_ = k;
}

DataLoader::Iterator DataLoader::begin() {
  const int64_t n = dataset_->size(), batches = size();
  const detail::Pass pass{seed_, epoch_++};
  Tensor order;
  if (options_.shuffle) {
    random::Generator generator(pass.seed, pass.epoch);
    order = random::permutation(n, generator);
  }
  const int64_t first = std::min(std::exchange(skip_, 0), batches);
  auto epoch = std::make_shared<Iterator::Epoch>(dataset_, options_, pass, std::move(order), n, batches);
  if (options_.workers > 0 && first < batches) {
    const int64_t left = batches - first;
    const int workers = static_cast<int>(std::min<int64_t>(options_.workers, left));
    const int64_t depth = options_.prefetch > left / workers ? left : options_.prefetch * workers;
    epoch->ahead.emplace([plan = epoch.get()](int64_t k) { return plan->make(k); }, first, batches, workers, depth);
  }
  return Iterator(std::move(epoch), first);
}

}  // namespace gradus::data
