// What confusion_matrix, classification_report and the metrics of class numbers take.
#include <algorithm>

#include "autograd/ops.h"
#include "nn/confusion.h"
#include "nn/losses.h"

namespace gradus::nn::detail {
namespace {

constexpr int64_t kMostClasses = 10'000;

/// Class numbers of any dtype. ValueError for a fraction.
Tensor whole(std::string_view op, const Tensor& labels) {
  const Tensor numbers = labels.astype(DType::int64);
  if (is_floating(labels.dtype()) && any(numbers.astype(labels.dtype()) != labels).item<bool>())
    fail<ValueError>(op, "labels are not class numbers; got ", labels.dtype(), " values with a fraction, expected 0, 1, 2, ...");
  return numbers;
}

}  // namespace

ClassPairs class_pairs(std::string_view op, const Tensor& labels, const Tensor& predictions, int64_t classes) {
  const Shape& shape = predictions.shape();
  const bool scores = is_floating(predictions.dtype()), wide = scores && shape.ndim() >= 2 && shape.back() > 1;
  const bool one_hot = wide && labels.shape() == shape;
  if (wide && classes != 0 && classes != shape.back())
    fail<ValueError>(op, "number of classes does not fit; got ", classes, " for predictions ", shape, ", expected ",
                     shape.back());
  if (scores) classes = wide ? shape.back() : std::max<int64_t>(classes, 2);
  const Tensor guess = wide     ? argmax(predictions, -1)
                       : scores ? (predictions > 0.5).astype(DType::int64)
                                : whole(op, predictions);
  const Tensor truth = one_hot ? argmax(labels, -1) : match_targets(op, whole(op, labels), guess.shape(), DType::int64);
  for (const Tensor& numbers : {truth, guess}) {
    if (numbers.size() == 0) continue;
    const int64_t high = max(numbers).item<int64_t>();
    check_labels(op, numbers, classes == 0 ? std::max<int64_t>(high + 1, 1) : classes);
  }
  if (classes == 0 && truth.size() > 0) classes = std::max(max(truth).item<int64_t>(), max(guess).item<int64_t>()) + 1;
  if (classes > kMostClasses)
    fail<ValueError>(op, "too many classes; got ", classes, ", expected at most ", kMostClasses, "; the matrix is their square");
  return {truth.to_vector<int64_t>(), guess.to_vector<int64_t>(), classes};
}

}  // namespace gradus::nn::detail
