// Windows of a time series, as examples.
//
//   // Ten days of hourly values, one value in three hours; the target is a day after the window's last.
//   const data::TimeSeries train(series, targets, {.sequence_length = 80, .sampling_rate = 3});
//
// Shares the tensors; reading from several threads is safe.
#pragma once

#include <optional>

#include "data/pipeline.h"

namespace gradus::data {

struct WindowOptions {
  int64_t sequence_length = 0;            // steps in a window, at least 1
  int64_t sequence_stride = 1;            // steps between the beginnings of two windows
  int64_t sampling_rate = 1;              // steps between two values of a window
  int64_t start_index = 0;                // steps before this one are left out
  std::optional<int64_t> end_index = {};  // and from this one on
};

/// Keras' timeseries_dataset_from_array: window i holds data[s], data[s + rate], ..., sequence_length of them, with
/// s = start_index + i * sequence_stride, and goes with targets[s]: shift the targets by as far as they lie ahead
/// (targets = series["delay:"]). Windows that would need values or targets beyond the end are left out.
class TimeSeries final : public Chain<TimeSeries> {
 public:
  /// data [steps, ...]; targets [steps, ...], or undefined: then y is undefined. ValueError for options out of range, ShapeError
  /// for tensors without a first axis.
  TimeSeries(Tensor data, Tensor targets, const WindowOptions& options);

  int64_t size() const override { return size_; }
  /// x [sequence_length, ...] (a view), y targets[s].
  Example get(int64_t i) const override;
  using Chain::batch;
  Example batch(const Tensor& indices) const override;

 private:
  Tensor data_, targets_, steps_;  // steps: of a window, from its beginning
  WindowOptions options_;
  int64_t size_ = 0;
};

}  // namespace gradus::data
