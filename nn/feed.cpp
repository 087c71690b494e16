#include "nn/feed.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "autograd/ops.h"
#include "autograd/random.h"
#include "autograd/tape.h"
#include "data/loader.h"

namespace gradus::nn {
namespace {

/// Keras' rule: rows of more than one value are one-hot, anything else is the class number itself.
Tensor weights_of_classes(std::string_view op, const Tensor& y, const ClassWeight& class_weight) {
  const NoRecord pause;
  if (y.ndim() > 2)
    fail<ShapeError>(op, "class_weight needs one class per sample; got targets ", y.shape(),
                     ", expected [n], [n, 1] or one-hot [n, classes]");
  const Tensor labels = y.ndim() == 2 && y.shape()[1] > 1 ? argmax(y, 1) : round(y.reshape({y.shape()[0]}));
  std::vector<float> weights;
  for (const int64_t label : labels.astype(DType::int64).to_vector<int64_t>()) {
    const auto found = class_weight.find(label);
    weights.push_back(found == class_weight.end() ? 1.0f : static_cast<float>(found->second));
  }
  return Tensor(weights);
}

int64_t number(std::string_view op, const State& state, const char* name) {
  return detail::entry(op, state, name).item<int64_t>();
}

State state_of(uint64_t seed, uint64_t pass, int64_t position) {
  return {
      {"seed", Tensor(static_cast<int64_t>(seed))}, {"pass", Tensor(static_cast<int64_t>(pass))}, {"position", Tensor(position)}};
}

class TensorFeed : public Feed {
 public:
  TensorFeed(std::string_view op, Samples samples, const FeedOptions& options)
      : samples_(std::move(samples)), batch_size_(options.batch_size), shuffle_(options.shuffle) {
    check(op, options.class_weight);
    batch_size_ = std::min(batch_size_, count());  // any size is fine, and sums of it do not overflow
    if (options.seed) seed_ = *options.seed;
    else if (shuffle_) seed_ = static_cast<uint64_t>(random::randint({}, 0, std::numeric_limits<int64_t>::max()).item<int64_t>());
    position_ = size();
  }

  int64_t size() const override { return (count() + batch_size_ - 1) / batch_size_; }

  void next(Batch& batch) override {
    if (position_ == size()) {
      ++pass_;
      position_ = 0;
      order_ = Tensor();
    }
    if (shuffle_ && !order_.defined()) {
      random::Generator generator(seed_, pass_ - 1);  // the order of a pass depends on (seed, pass, number of samples) alone
      order_ = random::permutation(count(), generator);
    }
    const Slice range(position_ * batch_size_, std::min(count(), (position_ + 1) * batch_size_));
    const Tensor indices = shuffle_ ? order_.slice({range}) : Tensor();
    const auto part = [&](const Tensor& all) { return shuffle_ ? take(all, indices) : all.slice({range}); };
    fill(batch, part);
    ++position_;
  }

  Batch sample() const override {
    Batch batch;
    fill(batch, [](const Tensor& all) { return all.slice({Slice(0, 1)}); });
    return batch;
  }

  std::vector<Tensor> targets() const override { return samples_.y.list(); }

  State state() const override { return state_of(seed_, pass_, position_); }

  void load_state(std::string_view op, const State& state) override {
    const int64_t seed = number(op, state, "seed"), pass = number(op, state, "pass"), position = number(op, state, "position");
    if (pass < 0 || position < 0 || position > size())
      fail<ValueError>(op, "no such position; got batch ", position, " of pass ", pass, ", expected at most ", size(),
                       " batches per pass");
    seed_ = static_cast<uint64_t>(seed);
    pass_ = static_cast<uint64_t>(pass);
    position_ = position;
    order_ = Tensor();
  }

 private:
  int64_t count() const { return samples_.x[0].shape()[0]; }

  void check(std::string_view op, const ClassWeight& class_weight) {
    const Tensors &x = samples_.x, &y = samples_.y;
    if (x.defined() != y.defined())
      fail<ValueError>(op, "incomplete data; got only ", x.defined() ? "x" : "y", ", expected x and y");
    if (!x.defined()) fail<ValueError>(op, "no samples; got undefined tensors, expected x and y");
    for (const Tensors* part : {&x, &y})
      for (const Tensor& tensor : *part) {
        if (tensor.ndim() == 0)
          fail<ShapeError>(op, "no sample axis; got x ", x[0].shape(), " and y ", y[0].shape(), ", expected [samples, ...]");
        if (tensor.shape()[0] != count())
          fail<ShapeError>(op, "x and y of different lengths; got ", part == &x ? "x " : "y ", tensor.shape(), " beside x ",
                           x[0].shape(), ", expected as many targets as samples");
      }
    if (count() == 0) fail<ShapeError>(op, "no samples; got x ", x[0].shape(), ", expected at least one");
    Tensor& weights = samples_.sample_weight;
    if (weights.defined() && !class_weight.empty())
      fail<ValueError>(op, "two kinds of weights; got class_weight and sample_weight, expected one of them");
    if (!class_weight.empty() && y.size() > 1)
      fail<ValueError>(op, "class_weight for several outputs; got ", y.size(), " targets, expected one; use sample_weight");
    if (!class_weight.empty()) weights = weights_of_classes(op, y[0], class_weight);
    if (!weights.defined()) return;
    if (weights.size() != count() || weights.shape()[0] != count())
      fail<ShapeError>(op, "sample_weight does not fit the samples; got ", weights.shape(), ", expected [", count(), "]");
    weights = weights.reshape({count()});
    if (!is_floating(weights.dtype())) weights = weights.astype(DType::float32);
  }

  template <class F>
  void fill(Batch& batch, F part) const {
    const auto copy = [&](const Tensors& from, std::vector<Tensor>& to) {
      to.resize(from.size());
      for (size_t i = 0; i < from.size(); ++i) {
        to[i] = Tensor();  // the old one's memory is the new one's
        to[i] = part(from[i]);
      }
    };
    copy(samples_.x, batch.x);
    copy(samples_.y, batch.y);
    batch.weights = samples_.sample_weight.defined() ? part(samples_.sample_weight) : Tensor();
  }

  Samples samples_;
  int64_t batch_size_;
  bool shuffle_;
  uint64_t seed_ = 0, pass_ = 0;
  int64_t position_ = 0;
  Tensor order_;
};

class LoaderFeed : public Feed {
 public:
  LoaderFeed(std::string_view op, std::shared_ptr<data::DataLoader> loader, ClassWeight class_weight)
      : op_(op), loader_(std::move(loader)), class_weight_(std::move(class_weight)) {
    if (loader_->size() == 0) fail<ShapeError>(op, "no samples; got an empty loader, expected at least one batch");
  }

  int64_t size() const override { return loader_->size(); }

  void next(Batch& batch) override {
    if (!it_ || *it_ == loader_->end()) start(0);
    fill(batch, **it_);
    ++*it_;
    ++position_;
  }

  Batch sample() const override {
    data::DataLoader copy = *loader_;  // keeps its own count of passes
    Batch batch;
    const data::Example first = *copy.begin();
    const auto one = [](const Tensor& t) { return t.ndim() > 0 && t.shape()[0] > 0 ? t.slice({Slice(0, 1)}) : t; };
    fill(batch, {one(first.x), one(first.y)});
    return batch;
  }

  State state() const override { return state_of(loader_->seed(), loader_->epoch(), position_); }

  void load_state(std::string_view op, const State& state) override {
    const int64_t seed = number(op, state, "seed"), pass = number(op, state, "pass"), position = number(op, state, "position");
    if (static_cast<uint64_t>(seed) != loader_->seed())
      fail<ValueError>(op, "another loader; got seed ", loader_->seed(), ", expected ", static_cast<uint64_t>(seed),
                       "; give the loader a seed");
    if (pass < 0 || position < 0 || position > size())
      fail<ValueError>(op, "no such position; got batch ", position, " of pass ", pass, ", expected at most ", size(),
                       " batches per pass");
    it_.reset();
    const bool inside = pass > 0 && position > 0 && position < size();  // otherwise the next pass begins
    loader_->set_epoch(static_cast<uint64_t>(inside ? pass - 1 : pass));
    position_ = 0;
    if (inside) start(position);
  }

 private:
  void start(int64_t skip) {
    it_.reset();  // its memory first
    loader_->skip_batches(skip);
    it_.emplace(loader_->begin());
    position_ = skip;
  }

  void fill(Batch& batch, const data::Example& example) const {
    if (example.y.ndim() == 0 || example.x.ndim() == 0)
      fail<ShapeError>(op_, "no sample axis; got x ", example.x.shape(), " and y ", example.y.shape(),
                       ", expected [samples, ...]");
    batch.x.resize(1);
    batch.y.resize(1);
    batch.x[0] = example.x;
    batch.y[0] = example.y;
    batch.weights = class_weight_.empty() ? Tensor() : weights_of_classes(op_, example.y, class_weight_);
  }

  std::string_view op_;  // a literal
  std::shared_ptr<data::DataLoader> loader_;
  ClassWeight class_weight_;
  std::optional<data::DataLoader::Iterator> it_;
  int64_t position_ = 0;
};

}  // namespace

Samples::Samples(const data::DataLoader& from) : loader(std::make_shared<data::DataLoader>(from)) {}

std::unique_ptr<Feed> make_feed(std::string_view op, const Samples& samples, const FeedOptions& options) {
  if (samples.loader) return std::make_unique<LoaderFeed>(op, samples.loader, options.class_weight);
  return std::make_unique<TensorFeed>(op, samples, options);
}

std::unique_ptr<Feed> make_feed(std::string_view op, data::DataLoader& loader, const ClassWeight& class_weight) {
  return std::make_unique<LoaderFeed>(op, std::shared_ptr<data::DataLoader>(std::shared_ptr<void>(), &loader), class_weight);
}

}  // namespace gradus::nn
