// Which classes a model takes for which.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/tensor.h"

namespace gradus::nn {

// Both functions take predictions as class numbers of an integer dtype, shaped like the labels; as scores [..., classes], of
// which the largest counts; or as probabilities of two classes, shaped like the labels, of which those above 0.5 are class 1.
// Labels are class numbers [...] or [..., 1], or one-hot rows for scores. ShapeError, DTypeError and ValueError for what does not
// fit, and for class numbers out of range.

/// int64 [classes, classes]: how many samples of each class (row) were taken for each class (column). `classes` 0: as many as the
/// scores say, or the largest class number.
Tensor confusion_matrix(const Tensor& labels, const Tensor& predictions, int64_t classes = 0);

struct ReportOptions {
  std::vector<std::string> names = {};  // of the classes; empty: their numbers. ValueError for another number of them
  int digits = 2;                       // after the point, 0 to 15
};

/// A table of precision, recall, F1 score and number of samples (support) per class, with accuracy and averages, as scikit-learn
/// writes it. Quotients by 0 are 0.
std::string classification_report(const Tensor& labels, const Tensor& predictions, const ReportOptions& options = {});

namespace detail {
/// Pairs of true and predicted class; `classes` 0: see confusion_matrix.
struct ClassPairs {
  std::vector<int64_t> truth, prediction;
  int64_t classes;
};
ClassPairs class_pairs(std::string_view op, const Tensor& labels, const Tensor& predictions, int64_t classes);
}  // namespace detail

}  // namespace gradus::nn
