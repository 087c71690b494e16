#include "nn/metric.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "autograd/ops.h"
#include "autograd/tape.h"
#include "nn/losses.h"
#include "nn/metric_rows.h"

namespace gradus::nn {
namespace detail {

void prepare(MetricState& state, size_t numbers, const MetricBatch& batch) {
  if (state.empty()) state.resize(numbers);
  if (state.size() != numbers)
    fail<ShapeError>(batch.name, "a batch of another kind than those before; got predictions ", batch.outputs.raw().shape(),
                     ", expected as many classes as before; reset() starts anew");
}

void add_mean(MetricState& state, const Tensor& values, const MetricBatch& batch) {
  prepare(state, 2, batch);
  if (!batch.weights.defined()) {
    state[0] += sum(values).item<double>();
    state[1] += static_cast<double>(values.size());
    return;
  }
  const Tensor weights = match_weights(batch.name, batch.weights, values.shape(), DType::float64);
  state[0] += sum(values * weights).item<double>();
  state[1] += sum(broadcast_to(weights, values.shape())).item<double>();
}

double mean_of(const MetricState& state, const MetricOptions&) { return state.empty() ? 0 : ratio(state[0], state[1]); }
double root_of_mean(const MetricState& state, const MetricOptions& options) { return std::sqrt(mean_of(state, options)); }
double sum_of(const MetricState& state, const MetricOptions&) { return state.empty() ? 0 : state[0]; }

}  // namespace detail

namespace {

using namespace detail;

constexpr unsigned kConfusion = kThreshold | kTopK | kClassId, kAtCurve = kAt | kThresholds;

constexpr MetricUpdate* kSquaredErrors = [](MetricState& state, const MetricBatch& batch) {
  add_mean(state, mean_squared_error(batch.y, batch.outputs.predictions()), batch);
};
constexpr MetricUpdate* kCosines = [](MetricState& state, const MetricBatch& batch) {
  add_mean(state, -cosine_similarity(batch.y, batch.outputs.predictions()), batch);
};
constexpr MetricUpdate* kPredictions = [](MetricState& state, const MetricBatch& batch) {
  add_mean(state, batch.outputs.predictions(), batch);
};

constexpr auto kMetrics = std::to_array<MetricRow>({
    {"accuracy", accuracy, mean_of, 0},
    {"acc", accuracy, mean_of, 0},
    {"binary_accuracy", binary_accuracy, mean_of, kThreshold},
    {"categorical_accuracy", categorical_accuracy, mean_of, 0},
    {"sparse_categorical_accuracy", sparse_categorical_accuracy, mean_of, 0},
    {"top_k_categorical_accuracy", top_k_accuracy, mean_of, kK},
    {"sparse_top_k_categorical_accuracy", sparse_top_k_accuracy, mean_of, kK},
    {"true_positives", count_confusions, true_positives, kConfusion},
    {"false_positives", count_confusions, false_positives, kConfusion},
    {"true_negatives", count_confusions, true_negatives, kConfusion},
    {"false_negatives", count_confusions, false_negatives, kConfusion},
    {"precision", count_confusions, precision, kConfusion},
    {"recall", count_confusions, recall, kConfusion},
    {"f1_score", count_classes, fbeta, kThreshold | kAverage},
    {"fbeta_score", count_classes, fbeta, kThreshold | kAverage | kFBeta},
    {"auc", fill_buckets, area, kThresholds | kCurve | kMultiLabel},
    {"sensitivity_at_specificity", fill_buckets, sensitivity_at_specificity, kAtCurve},
    {"specificity_at_sensitivity", fill_buckets, specificity_at_sensitivity, kAtCurve},
    {"precision_at_recall", fill_buckets, precision_at_recall, kAtCurve},
    {"recall_at_precision", fill_buckets, recall_at_precision, kAtCurve},
    {"mean_io_u", count_pairs, mean_iou, kNumClasses},
    {"mean_iou", count_pairs, mean_iou, kNumClasses},
    {"binary_io_u", count_binary_pairs, mean_iou, kThreshold},
    {"root_mean_squared_error", kSquaredErrors, root_of_mean, 0},
    {"rmse", kSquaredErrors, root_of_mean, 0},
    {"r2_score", add_moments, r2, 0},
    {"r2", add_moments, r2, 0},
    {"cosine_similarity", kCosines, mean_of, 0},
    {"pearson_correlation", add_correlations, pearson, kAxis},
    {"concordance_correlation", add_concordances, concordance, kAxis},
    {"mean", kPredictions, mean_of, 0},
    {"sum", kPredictions, sum_of, 0},
});

const MetricRow* find(std::string_view name) {
  const auto found = std::ranges::find(kMetrics, name, &MetricRow::name);
  return found == kMetrics.end() ? nullptr : &*found;
}

[[noreturn]] void fail_unknown(std::string_view name) {
  std::string known;
  for (const MetricRow& row : kMetrics) known += text(known.empty() ? "" : ", ", row.name);
  list_losses(known);
  fail<ValueError>("Metric", "unknown metric; got \"", name, "\", expected one of ", known);
}

/// The name of a metric of one's own.
std::string checked(std::string name, bool complete) {
  if (name.empty()) fail<ValueError>("Metric", "no name; got \"\", expected a name for the logs");
  if (!complete) fail<ValueError>("Metric", "an empty function; got \"", name, "\" without it, expected one that can be called");
  return name;
}

}  // namespace

Metric MetricKind::operator()(const MetricOptions& options) const { return Metric(name, options); }

Metric::Metric(std::string_view name) : Metric(name, MetricOptions{}) {}

Metric::Metric(Data&& data) : data_(std::make_shared<const Data>(std::move(data))) {}

Metric::Metric(std::string_view name, const MetricOptions& options)
    : Metric(Data{.name = std::string(options.name.empty() ? name : options.name), .row = find(name), .options = options}) {
  if (!data_->row && !find_loss(name)) fail_unknown(name);
  check_options(name, options, data_->row ? data_->row->takes : 0);
  if (!data_->row) *this = Metric(Loss(name), data_->name);
}

Metric::Metric(const Loss& loss, std::string name)
    : Metric(Data{.name = name.empty() ? std::string(loss.name()) : std::move(name), .loss = loss}) {}

Metric::Metric(std::string name, Function function)
    : Metric(Data{.name = checked(std::move(name), function != nullptr), .function = std::move(function)}) {}

Metric::Metric(std::string name, MetricRecipe recipe)
    : Metric(Data{.name = checked(std::move(name), recipe.update && recipe.result), .recipe = std::move(recipe)}) {}

const std::string& Metric::name() const { return data_->name; }

Accumulator::Accumulator(Metric metric) : metric_(std::move(metric)) { reset(); }

void Accumulator::reset() {
  state_.assign(metric_.data_->recipe.numbers, 0);
  restored_ = false;
}

void Accumulator::load_state(MetricState state) {
  if (const size_t numbers = metric_.data_->recipe.numbers; numbers > 0 && state.size() != numbers)
    fail<ValueError>(metric_.name(), "state of another metric; got ", state.size(), " numbers, expected ", numbers);
  state_ = std::move(state);
  restored_ = true;
}

void Accumulator::update(const Tensor& y, const Outputs& outputs, const Tensor& weights) {
  const NoRecord pause;
  const Metric::Data& data = *metric_.data_;
  const MetricBatch batch{data.name, data.options, y, outputs, weights};
  if (data.row) data.row->update(state_, batch);
  else if (data.loss) add_mean(state_, (*data.loss)(y, outputs), batch);
  else if (data.function) add_mean(state_, data.function(y, outputs.predictions()), batch);
  else data.recipe.update(state_, y, outputs.predictions(), weights);
  restored_ = false;
}

double Accumulator::result() const {
  if (restored_) return 0;
  const Metric::Data& data = *metric_.data_;
  if (data.recipe.result) return data.recipe.result(state_);
  return data.row ? data.row->result(state_, data.options) : mean_of(state_, data.options);
}

Meter::Meter(const std::vector<Metric>& metrics, const std::vector<Metric>& weighted) {
  parts_.reserve(metrics.size() + weighted.size());
  for (const Metric& metric : metrics) parts_.push_back({Accumulator(metric), false, false});
  for (const Metric& metric : weighted) {
    const auto same = [&](const Metric& other) { return other.name() == metric.name(); };
    parts_.push_back({Accumulator(metric), true, std::ranges::any_of(metrics, same)});
  }
}

void Meter::add(double loss, int64_t samples, const Tensor& y, const Outputs& outputs, const Tensor& weights) {
  loss_.add(loss, static_cast<double>(samples));
  for (Part& part : parts_) part.accumulator.update(y, outputs, part.weighted ? weights : Tensor());
}

void Meter::write(Logs& logs, std::string_view prefix) const {
  logs.set(text(prefix, "loss"), loss_.mean());
  for (const auto& [accumulator, weighted, renamed] : parts_)
    logs.set(text(prefix, renamed ? "weighted_" : "", accumulator.metric().name()), accumulator.result());
}

void Meter::reset() {
  loss_ = {};
  for (Part& part : parts_) part.accumulator.reset();
}

Tensor Meter::state() const {
  std::vector<double> numbers{loss_.sum, loss_.count};
  for (const Part& part : parts_) {
    const MetricState& state = part.accumulator.state();
    numbers.push_back(static_cast<double>(state.size()));
    numbers.insert(numbers.end(), state.begin(), state.end());
  }
  return Tensor(numbers);
}

void Meter::load_state(const Tensor& state) {
  const std::vector<double> numbers = state.to_vector<double>();
  const auto refuse = [&] {
    fail<ValueError>("Meter", "state of other metrics; got ", numbers.size(), " numbers, expected those of ", parts_.size(),
                     " metrics");
  };
  if (numbers.size() < 2) refuse();
  size_t at = 2;
  std::vector<MetricState> states;
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (at == numbers.size()) refuse();
    const double length = numbers[at++];
    if (!(length >= 0 && length <= static_cast<double>(numbers.size() - at))) refuse();
    const auto begin = numbers.begin() + static_cast<std::ptrdiff_t>(at);
    states.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(length));
    at += states.back().size();
  }
  if (at != numbers.size()) refuse();
  for (size_t i = 0; i < parts_.size(); ++i) parts_[i].accumulator.load_state(std::move(states[i]));
  loss_ = {numbers[0], numbers[1]};
}

}  // namespace gradus::nn
