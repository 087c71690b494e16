#include "data/windows.h"

#include <algorithm>

#include "autograd/ops.h"

namespace gradus::data {

TimeSeries::TimeSeries(Tensor data, Tensor targets, const WindowOptions& options)
    : data_(std::move(data)), targets_(std::move(targets)), options_(options) {
  const auto steps = [](std::string_view what, const Tensor& t) {
    if (t.ndim() == 0) fail<ShapeError>("TimeSeries", what, " without steps; got shape [], expected [steps, ...]");
    return t.shape()[0];
  };
  const auto in_range = [](std::string_view what, int64_t value, int64_t least, int64_t most) {
    if (value < least || value > most)
      fail<ValueError>("TimeSeries", what, " out of range; got ", value, ", expected ", least, " to ", most);
  };
  const int64_t n = steps("data", data_), most = std::max<int64_t>(n, 1);
  in_range("sequence_length", options.sequence_length, 1, most);
  in_range("sequence_stride", options.sequence_stride, 1, most);
  in_range("sampling_rate", options.sampling_rate, 1, most);
  in_range("start_index", options.start_index, 0, n);
  const int64_t end = options.end_index.value_or(n);
  in_range("end_index", end, options.start_index, n);

  int64_t windows;
  if (__builtin_mul_overflow(options.sequence_length - 1, options.sampling_rate, &windows)) windows = n;
  windows = end - options.start_index - std::min(windows, n);
  if (targets_.defined()) windows = std::min(windows, steps("targets", targets_) - options.start_index);
  size_ = windows > 0 ? (windows - 1) / options.sequence_stride + 1 : 0;
  if (size_ > 0) steps_ = arange(int64_t{0}, options.sequence_length) * options.sampling_rate;
}

Example TimeSeries::get(int64_t i) const {
  const int64_t begin = options_.start_index + i * options_.sequence_stride;
  const int64_t last = begin + (options_.sequence_length - 1) * options_.sampling_rate;
  return {data_.slice({Slice(begin, last + 1, options_.sampling_rate)}), targets_.defined() ? targets_[begin] : Tensor()};
}

Example TimeSeries::batch(const Tensor& indices) const {
  const Tensor begin = indices * options_.sequence_stride + options_.start_index;
  const Tensor windows = begin.reshape({-1, 1}) + steps_;
  return {gradus::take(data_, windows), targets_.defined() ? gradus::take(targets_, begin) : Tensor()};
}

}  // namespace gradus::data
