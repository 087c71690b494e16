#include "nn/confusion.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "nn/options.h"

namespace gradus::nn {
namespace {

/// Counts of one class, and what follows from them.
struct Scores {
  double hits = 0, predicted = 0, support = 0;

  static double ratio(double a, double b) { return b == 0 ? 0 : a / b; }
  std::array<double, 3> values() const {
    return {ratio(hits, predicted), ratio(hits, support), ratio(2 * hits, predicted + support)};
  }
};

template <class... Args>
std::string format(const char* pattern, Args... args) {
  std::array<char, 400> buffer{};
  std::snprintf(buffer.data(), buffer.size(), pattern, args...);
  return buffer.data();
}

std::vector<int64_t> counts(const detail::ClassPairs& pairs) {
  std::vector<int64_t> matrix(static_cast<size_t>(pairs.classes * pairs.classes));
  for (size_t i = 0; i < pairs.truth.size(); ++i)
    ++matrix[static_cast<size_t>(pairs.truth[i] * pairs.classes + pairs.prediction[i])];
  return matrix;
}

}  // namespace

Tensor confusion_matrix(const Tensor& labels, const Tensor& predictions, int64_t classes) {
  if (classes < 0) fail<ValueError>("confusion_matrix", "number of classes out of range; got ", classes, ", expected >= 0");
  const detail::ClassPairs pairs = detail::class_pairs("confusion_matrix", labels, predictions, classes);
  return Tensor(counts(pairs), {pairs.classes, pairs.classes});
}

std::string classification_report(const Tensor& labels, const Tensor& predictions, const ReportOptions& options) {
  constexpr std::string_view op = "classification_report";
  detail::check_range(op, "digits", options.digits, 0, 15);
  const auto given = static_cast<int64_t>(options.names.size());
  const bool scores = is_floating(predictions.dtype());
  const detail::ClassPairs pairs = detail::class_pairs(op, labels, predictions, scores ? 0 : given);
  if (given != 0 && given != pairs.classes)
    fail<ValueError>(op, "names do not fit the classes; got ", given, ", expected ", pairs.classes);

  const auto classes = static_cast<size_t>(pairs.classes);
  const std::vector<int64_t> matrix = counts(pairs);
  std::vector<Scores> rows(classes);
  for (size_t i = 0; i < classes; ++i)
    for (size_t j = 0; j < classes; ++j) {
      const auto count = static_cast<double>(matrix[i * classes + j]);
      rows[i].support += count;
      rows[j].predicted += count;
      if (i == j) rows[i].hits += count;
    }

  const auto name = [&](size_t i) { return given ? options.names[i] : std::to_string(i); };
  size_t width = std::string_view("weighted avg").size();
  for (size_t i = 0; i < classes; ++i) width = std::max(width, name(i).size());
  const auto line = [&](const std::string& title, const std::array<double, 3>& values, double support) {
    std::string out = std::string(width - std::min(width, title.size()), ' ') + title + " ";
    for (const double value : values) out += format(" %9.*f", options.digits, value);
    return out + format(" %9.0f\n", support);
  };

  std::string out = std::string(width, ' ') + "  precision    recall  f1-score   support\n\n";
  double hits = 0, total = 0;
  std::array<double, 3> macro{}, weighted{};
  for (size_t i = 0; i < classes; ++i) {
    const std::array<double, 3> values = rows[i].values();
    out += line(name(i), values, rows[i].support);
    hits += rows[i].hits;
    total += rows[i].support;
    for (size_t k = 0; k < 3; ++k) {
      macro[k] += values[k] / static_cast<double>(classes);
      weighted[k] += values[k] * rows[i].support;
    }
  }
  for (double& value : weighted) value = Scores::ratio(value, total);
  out += "\n" + std::string(width - 8, ' ') + "accuracy " + std::string(20, ' ');
  out += format(" %9.*f %9.0f\n", options.digits, Scores::ratio(hits, total), total);
  return out + line("macro avg", macro, total) + line("weighted avg", weighted, total);
}

}  // namespace gradus::nn
