#include "data/prefetch.h"

#include "autograd/base/alone.h"
#include "autograd/base/denormals.h"

namespace gradus::data::detail {

Prefetch::Prefetch(Make make, int64_t begin, int64_t end, int workers, int64_t depth)
    : make_(std::move(make)),
      end_(end),
      flush_(gradus::detail::flushes_denormals()),
      slots_(static_cast<size_t>(depth)),
      next_(begin),
      oldest_(begin) {
  for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { work(); });
}

Prefetch::~Prefetch() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  room_.notify_all();
  workers_.clear();
}

void Prefetch::work() {
  const gradus::detail::Alone alone;  // the other cores have work of their own
  gradus::detail::flush_denormals(flush_);
  std::unique_lock lock(mutex_);
  while (true) {
    room_.wait(lock, [this] { return stop_ || next_ >= end_ || next_ < oldest_ + static_cast<int64_t>(slots_.size()); });
    if (stop_ || next_ >= end_) return;
    Slot made{next_++, {}, {}};
    lock.unlock();
    try {
      made.result = make_(made.number);
    } catch (...) {
      made.error = std::current_exception();
    }
    lock.lock();
    if (made.number < oldest_) continue;  // passed over while it was made
    slot(made.number) = std::move(made);
    ready_.notify_one();
  }
}

Example Prefetch::get(int64_t k) {
  {
    std::unique_lock lock(mutex_);
    if (k >= oldest_ && k < oldest_ + static_cast<int64_t>(slots_.size())) {
      ready_.wait(lock, [&] { return slot(k).number == k; });
      const Slot found = slot(k);
      if (found.error) std::rethrow_exception(found.error);
      return found.result;
    }
  }
  return make_(k);
}

void Prefetch::release(int64_t k) {
  {
    const std::lock_guard lock(mutex_);
    for (; oldest_ < k; ++oldest_) {
      Slot& old = slot(oldest_);
      if (old.number == oldest_) old = Slot();
    }
    next_ = std::max(next_, oldest_);
  }
  room_.notify_all();
}

}  // namespace gradus::data::detail
