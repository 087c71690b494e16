// What a classifier did with labelled samples: counts by class, and where it went most wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/common/report.h"
#include "autograd/tensor.h"

namespace gradus::apps {

/// int64 [classes, classes]: how many samples of each true class (rows) were taken for each class (columns).
/// labels: whole numbers [n] in [0, classes); probabilities: [n, classes]. ShapeError for other shapes, ValueError
/// for labels out of range.
Tensor confusion_counts(const Tensor& labels, const Tensor& probabilities);

/// Positions of the samples that were taken for another class, those whose true class was given the least probability first; at
/// most `count`. Errors as confusion_counts().
std::vector<int64_t> worst_mistakes(const Tensor& labels, const Tensor& probabilities, int64_t count = 24);

/// Adds "Confusion matrix" and "Worst mistakes". images: [n, rows, columns] or [n, rows, columns, 3], as pictures are; `classes`
/// may be empty: numbers.
void add_classifier(Report& report, const Tensor& images, const Tensor& labels, const Tensor& probabilities,
                    const std::vector<std::string>& classes = {});

}  // namespace gradus::apps
