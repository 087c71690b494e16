#include "apps/common/classifier.h"

#include <algorithm>
#include <cmath>

#include "autograd/base/error.h"
#include "nn/confusion.h"

namespace gradus::apps {
namespace {

/// Labels and probabilities as numbers.
struct Judged {
  int64_t classes;
  std::vector<int64_t> labels, predicted;
  std::vector<double> p;

  Judged(std::string_view op, const Tensor& y, const Tensor& probabilities) {
    if (probabilities.ndim() != 2 || y.ndim() != 1 || y.shape()[0] != probabilities.shape()[0] || probabilities.shape()[1] == 0)
      fail<ShapeError>(op, "labels and probabilities do not fit; got shapes ", y.shape(), " and ", probabilities.shape(),
                       ", expected [n] and [n, classes]");
    classes = probabilities.shape()[1];
    labels = y.to_vector<int64_t>(), p = probabilities.to_vector<double>();
    for (size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] < 0 || labels[i] >= classes)
        fail<ValueError>(op, "label out of range; got ", labels[i], " at ", i, ", expected 0 to ", classes - 1);
      const auto row = p.begin() + static_cast<std::ptrdiff_t>(i) * classes;
      predicted.push_back(std::max_element(row, row + classes) - row);
    }
  }
  /// Of the true class, or of the predicted one.
  double probability(int64_t sample, const std::vector<int64_t>& of) const {
    return p[static_cast<size_t>(sample * classes + of[static_cast<size_t>(sample)])];
  }
};

std::vector<int64_t> worst(const Judged& judged, int64_t count) {
  std::vector<int64_t> wrong;
  for (size_t i = 0; i < judged.labels.size(); ++i)
    if (judged.labels[i] != judged.predicted[i]) wrong.push_back(static_cast<int64_t>(i));
  const auto p = [&](int64_t i) {
    const double value = judged.probability(i, judged.labels);
    return std::isnan(value) ? 0 : value;  // as bad as can be
  };
  std::stable_sort(wrong.begin(), wrong.end(), [&](int64_t a, int64_t b) { return p(a) < p(b); });
  wrong.resize(std::min(wrong.size(), static_cast<size_t>(std::max<int64_t>(count, 0))));
  return wrong;
}

}  // namespace

Tensor confusion_counts(const Tensor& labels, const Tensor& probabilities) {
  const Judged judged("confusion_counts", labels, probabilities);
  return nn::confusion_matrix(Tensor(judged.labels), Tensor(judged.predicted), judged.classes);
}

std::vector<int64_t> worst_mistakes(const Tensor& labels, const Tensor& probabilities, int64_t count) {
  return worst(Judged("worst_mistakes", labels, probabilities), count);
}

void add_classifier(Report& report, const Tensor& images, const Tensor& labels, const Tensor& probabilities,
                    const std::vector<std::string>& classes) {
  const Judged judged("add_classifier", labels, probabilities);
  report.confusion(confusion_counts(labels, probabilities), classes);
  const auto name = [&](int64_t k) { return classes.empty() ? text(k) : classes.at(static_cast<size_t>(k)); };
  std::vector<Picture> pictures;
  for (const int64_t i : worst(judged, 24)) {
    const auto at = static_cast<size_t>(i);
    const double p = std::round(100 * judged.probability(i, judged.predicted));
    pictures.push_back({images[i], text(name(judged.labels[at]), ", taken for ", name(judged.predicted[at]), " (", p, " %)")});
  }
  report.pictures(
      "Worst mistakes",
      pictures.empty()
          ? "There are none: every sample was classified as it should be."
          : "The samples whose true class was given the least probability: what they are, what they were taken for, and "
            "how probable that seemed.",
      pictures);
}

}  // namespace gradus::apps
