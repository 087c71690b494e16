// Runs every row of op_rows.h through everything an operation must stand, and fails where an operation has no row.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <typeinfo>

#include "autograd/ops/table.h"
#include "autograd/tape/list.h"
#include "tests/autograd/op_trial.h"

namespace gradus::test {
namespace {

constexpr DType kAllDTypes[] = {DType::float64, DType::float32, DType::float16, DType::bfloat16,
                                DType::int64,   DType::int32,   DType::uint8,   DType::boolean};

bool is_about(const Row& row, std::string_view op) { return row.name == op || operation(row) == op; }

template <class F>
void for_each_trial(const Row& row, std::initializer_list<DType> dtypes, const std::vector<std::vector<Shape>>& shapes,
                    std::span<const View> views, const F& f) {
  INFO("row: ", row.name);
  for (const DType dtype : dtypes)
    for (const auto& set : shapes)
      for (const View& view : views) {
        Trial trial{row, dtype, set, view};
        INFO("trial: ", trial.text());
        try {
          if (trial.draw()) f(trial);
        } catch (const std::exception& e) {
          FAIL_CHECK("threw ", std::string(e.what()));
        }
      }
}
constexpr std::span<const View> kPlain(&kWhole, 1);

// Comparing

struct Tolerance {
  double relative;
  double scale = 0;  // errors are relative to at least this
  double absolute = 0;
};

double unit_in_last_place(DType dtype) {
  return dtype == DType::bfloat16 ? 0x1p-7 : dtype == DType::float16 ? 0x1p-10 : dtype == DType::float32 ? 0x1p-23 : 0x1p-52;
}

Tolerance tolerance(const Row& row, DType dtype, const Array& want) {
  if (!is_floating(dtype)) return {0};
  const double unit = unit_in_last_place(dtype);
  if (row.reduces) {
    double scale = 1;
    for (const double w : want.values) scale = std::max(scale, std::isfinite(w) ? std::abs(w) : 0);
    return {dtype == DType::float64 ? 1e-10 : dtype == DType::float32 ? 1e-5 : 20 * unit, scale};
  }
  if (row.ulps == 0) return {0};
  const double subnormal = dtype == DType::float16 ? 0x1p-24 : 0;
  return {dtype == DType::float64 ? std::max(row.ulps * unit, 1e-13) : row.ulps * unit, 0, subnormal};
}

bool close(double got, double want, const Tolerance& t) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got);
  if (got == want) return true;
  return std::abs(got - want) <= t.relative * std::max(std::abs(want), t.scale) + t.absolute;
}

void check_close(const Tensor& got, const Array& want, const Tolerance& t) {
  if (got.shape() != want.shape) {
    FAIL_CHECK("shape ", text(got.shape()), ", expected ", text(want.shape));
    return;
  }
  const std::vector<double> values = got.to_vector<double>();
  for (size_t i = 0; i < values.size(); ++i)
    if (!close(values[i], want.values[i], t)) {
      FAIL_CHECK("element ", i, ": got ", values[i], ", expected ", want.values[i], " within ", t.relative, " relative");
      return;
    }
  CHECK(values.size() == want.values.size());
}

/// What an integer dtype makes of a value: uint8 wraps around, booleans are true or false.
double as_stored(double value, DType dtype) {
  if (dtype == DType::boolean) return value != 0;
  if (dtype == DType::uint8) return value - 256 * std::floor(value / 256);
  return value;
}

void check_values(const Trial& trial) {
  if (!has_floating(trial.row) && trial.dtype != DType::float64) return;
  const std::vector<Tensor> in = trial.views(trial.bases);
  const Tensor got = trial.row.call(in);
  const DType dtype = trial.row.result(trial.dtype);
  CHECK_MESSAGE(got.dtype() == dtype, "dtype ", info(got.dtype()).name, ", expected ", info(dtype).name);
  Arrays arrays;
  for (size_t k = 0; k < in.size(); ++k) arrays.push_back({in[k].shape(), in[k].to_vector<double>()});
  Array want = trial.row.reference(arrays);
  for (double& v : want.values) v = as_stored(v, dtype);
  check_close(got, want, tolerance(trial.row, dtype, want));
}

// Derivatives

std::vector<Tensor> gradients(const Call& f, const std::vector<Tensor>& in) {
  GradientTape tape;
  for (const Tensor& x : in)
    if (is_floating(x.dtype())) tape.watch(x);
  const Tensor y = f(in);
  return tape.gradient(y, in, {.unconnected = Unconnected::Zero});
}

/// The row as gradcheck sees it. Rows that are linear in each element are squared, so that the second derivative asks for
/// something, and `twice` makes a second gradient arrive where one has been collected already.
Call probe(const Trial& trial, bool twice) {
  return [&trial, twice](const std::vector<Tensor>& in) {
    Tensor y = trial.call(in);
    if (twice) y = y + 3 * trial.call(in);
    return trial.row.polynomial ? y * y : y;
  };
}

void check_derivatives(const Trial& trial) {
  if (!trial.row.differentiable || !has_floating(trial.row)) return;
  const GradcheckOptions options = trial.row.polynomial ? GradcheckOptions{.eps = 1, .atol = 1e-6, .rtol = 1e-6}
                                                        : GradcheckOptions{.atol = 1e-7, .rtol = 1e-6};
  for (const bool twice : {false, true}) {
    INFO("used twice: ", twice);
    const GradcheckReport report = gradcheck(probe(trial, twice), trial.bases, options);
    CHECK_MESSAGE(report.ok(), report.text());
  }
}

/// Gradients have the shape and dtype of what they belong to, and in every floating dtype about the value they have in float64.
void check_gradient_dtypes(const Trial& trial) {
  if (!trial.row.differentiable || !has_floating(trial.row)) return;
  std::vector<Tensor> wide;
  for (const Tensor& x : trial.bases) wide.push_back(is_floating(x.dtype()) ? x.astype(DType::float64) : x);
  const Call f = [&](const std::vector<Tensor>& in) { return trial.call(in); };
  const std::vector<Tensor> got = gradients(f, trial.bases), want = gradients(f, wide);
  for (size_t k = 0; k < got.size(); ++k) {
    const Tensor& x = trial.bases[k];
    if (!is_floating(x.dtype())) continue;
    INFO("gradient of input ", k);
    CHECK(got[k].dtype() == x.dtype());
    CHECK((got[k].shape() == x.shape()));
    const Array expected{x.shape(), want[k].to_vector<double>()};
    double scale = 1;
    for (const double v : expected.values) scale = std::max(scale, std::abs(v));
    check_close(got[k], expected,
                {x.dtype() == DType::float64   ? 0
                 : x.dtype() == DType::float32 ? 1e-5
                 : x.dtype() == DType::float16 ? 0.02
                                               : 0.15,
                 scale});
  }
}

/// No gradient flows through, and the reason names the operation.
void check_cut(const Trial& trial) {
  const bool logical = trial.row.name.rfind("logical_", 0) == 0;  // which first read numbers as booleans
  const std::string cut = "cut by " + (logical ? "astype" : operation(trial.row));

  GradientTape tape;
  for (const Tensor& x : trial.bases)
    if (is_floating(x.dtype())) tape.watch(x);
  const Tensor y = trial.call(trial.bases).astype(DType::float64);
  for (const Tensor& gradient : tape.gradient(y, trial.bases)) {
    CHECK(!gradient.defined());
    CHECK_MESSAGE(gradient.missing_reason().find(cut) != std::string::npos, gradient.missing_reason());
  }
}

// Special points

void check_exactly(const Tensor& got, const std::vector<double>& want, double relative, bool signed_zeros) {
  const std::vector<double> values = got.to_vector<double>();
  REQUIRE(values.size() == want.size());
  for (size_t i = 0; i < values.size(); ++i) {
    bool same = close(values[i], want[i], {relative});
    if (signed_zeros && want[i] == 0) same = same && std::signbit(values[i]) == std::signbit(want[i]);
    CHECK_MESSAGE(same, "element ", i, ": got ", values[i], ", expected ", want[i]);
  }
}

void check_special(const Row& row, const Special& special, DType dtype) {
  // Pointwise rows see their points several times over: in whole vectors and in what is left at the end.
  const auto tiled = [&](const std::vector<double>& points) {
    std::vector<double> out;
    for (int copy = 0; copy < (row.pointwise ? 11 : 1); ++copy) out.insert(out.end(), points.begin(), points.end());
    return out;
  };
  std::vector<Tensor> in;
  for (size_t k = 0; k < special.inputs.size(); ++k)
    in.push_back(Tensor(tiled(special.inputs[k])).astype(varies(row.inputs[k]) ? dtype : row.inputs[k].dtype));
  const double relative = dtype == DType::float64 ? 1e-12 : 1e-6;
  check_exactly(row.call(in), tiled(special.values), relative, row.pointwise);
  if (special.gradients.empty()) return;
  const std::vector<Tensor> got = gradients(row.call, in);
  size_t given = 0;
  for (size_t k = 0; k < in.size(); ++k) {
    if (!is_floating(in[k].dtype())) continue;
    INFO("gradient of input ", k);
    REQUIRE(given < special.gradients.size());
    check_exactly(got[k], tiled(special.gradients[given++]), relative, false);
  }
}

/// The guards of rules hold: away from special points nothing on the way to a gradient is NaN or infinite, chosen or not.
void check_finite_on_the_way(const Trial& trial) {
  if (!trial.row.differentiable || !has_floating(trial.row)) return;
  for (const Tensor& x : trial.bases)
    if (x.size() == 0) return;                                      // means of nothing are NaN
  if (trial.row.name == "segment_max with empty segments") return;  // the largest of nothing is -inf
  const AnomalyMode anomaly;
  gradients([&](const std::vector<Tensor>& in) { return trial.call(in); }, trial.bases);
}

// Coverage

/// f(record) for everything a row puts on the tape, with its gradient recorded too.
template <class F>
void for_each_record(const Row& row, const F& f) {
  Trial trial{row, DType::float64, shapes_of(row)};
  if (!trial.draw()) return;
  GradientTape outer, inner;
  for (const Tensor& x : trial.bases)
    if (is_floating(x.dtype())) inner.watch(x);
  Tensor y = trial.call(trial.bases).astype(DType::float64);
  y = y * y;
  if (row.differentiable) inner.gradient(y, trial.bases, {.unconnected = Unconnected::Zero});
  const detail::List& list = detail::this_list();
  for (uint32_t id = 0; id < list.size(); ++id)
    if (list[id].op) f(list[id]);
}

std::set<std::string_view> recorded_by(const Row& row) {
  std::set<std::string_view> names;
  for_each_record(row, [&](const detail::Node& node) { names.insert(node.op->name); });
  return names;
}

// Its rule does nothing but refuse: toolbox_test.cpp.
constexpr std::string_view kRefusing = "once_differentiable";

TEST_CASE("op table: every operation has a row") {
  for (const detail::Op* op : detail::all_ops()) {
    if (op->name == kRefusing) continue;
    const bool covered = std::any_of(all_rows().begin(), all_rows().end(), [op](const Row& row) {
      return is_about(row, op->name) || std::find(row.covers.begin(), row.covers.end(), op->name) != row.covers.end();
    });
    CHECK_MESSAGE(covered, "no row of tests/autograd/op_rows_*.cpp covers ", op->name);
  }
}

TEST_CASE("op table: operations take as many inputs as they say, optional ones included") {
  std::map<const detail::Op*, int> most;
  for (const Row& row : all_rows())
    for_each_record(row,
                    [&](const detail::Node& node) { most[node.op] = std::max(most[node.op], static_cast<int>(node.inputs)); });
  for (const auto& [op, inputs] : most)
    if (!op->variadic) CHECK_MESSAGE(inputs == op->arity, op->name, " takes ", inputs, ", says ", op->arity);
}

TEST_CASE("op table: rows reach the operations they cover") {
  std::set<std::string_view> all;
  for (const detail::Op* op : detail::all_ops()) all.insert(op->name);
  for (const Row& row : all_rows()) {
    if (!has_floating(row)) continue;
    INFO("row: ", row.name);
    const std::set<std::string_view> reached = recorded_by(row);
    for (const std::string_view op : row.covers) CHECK_MESSAGE(reached.count(op) == 1, "never records ", op);
    const std::string_view name = all.count(row.name) ? row.name : std::string_view(row.name).substr(0, row.name.find(' '));
    if (all.count(name) && name != "prod") CHECK_MESSAGE(reached.count(name) == 1, "never records ", name);
  }
}

TEST_CASE("op table: values in every dtype") {
  for (const Row& row : all_rows()) {
    std::vector<std::vector<Shape>> shapes = all_shapes(row);
    if (row.pointwise) shapes.emplace_back(row.inputs.size(), Shape{131});
    if (row.pointwise) shapes.emplace_back(row.inputs.size(), Shape{3, 41});
    for (const DType dtype : kAllDTypes)
      if (is_floating(dtype) || row.integers) for_each_trial(row, {dtype}, shapes, kPlain, check_values);
  }
}

TEST_CASE("op table: values in every layout") {
  for (const Row& row : all_rows()) {
    std::vector<std::vector<Shape>> shapes{shapes_of(row)};
    if (row.pointwise) shapes.emplace_back(row.inputs.size(), Shape{3, 41});
    for_each_trial(row, {DType::float64, DType::float32, DType::bfloat16}, shapes, kViews, check_values);
    if (row.integers) for_each_trial(row, {DType::int32}, shapes, kViews, check_values);
  }
}

TEST_CASE("op table: derivatives to second order") {
  for (const Row& row : all_rows()) {
    for_each_trial(row, {DType::float64}, all_shapes(row), kPlain, check_derivatives);
    for_each_trial(row, {DType::float64}, {shapes_of(row)}, std::span(kViews).subspan(1), check_derivatives);
  }
}

TEST_CASE("op table: gradients in every floating dtype") {
  for (const Row& row : all_rows())
    for_each_trial(row, {DType::float64, DType::float32, DType::float16, DType::bfloat16}, all_shapes(row), kPlain,
                   check_gradient_dtypes);
}

TEST_CASE("op table: operations without a gradient say so") {
  for (const Row& row : all_rows())
    if (!row.differentiable && has_floating(row))
      for_each_trial(row, {DType::float64, DType::float32}, {shapes_of(row)}, kPlain, check_cut);
}

TEST_CASE("op table: special points") {
  for (const Row& row : all_rows()) {
    INFO("row: ", row.name);
    for (size_t i = 0; i < row.specials.size(); ++i)
      for (const DType dtype : {DType::float64, DType::float32}) {
        INFO("special ", i, ", ", info(dtype).name);
        check_special(row, row.specials[i], dtype);
      }
  }
}

TEST_CASE("op table: no NaN or infinity on the way to a gradient") {
  for (const Row& row : all_rows()) for_each_trial(row, {DType::float64}, all_shapes(row), kPlain, check_finite_on_the_way);
}

TEST_CASE("op table: errors") {
  for (const Row& row : all_rows()) {
    INFO("row: ", row.name);
    for (const ErrorCase& error : row.errors) {
      INFO("expected: ", error.says);
      const std::string prefix = (error.prefix.empty() ? operation(row) : error.prefix) + ": ";
      try {
        error.call();
        FAIL_CHECK("nothing was thrown");
      } catch (const std::exception& e) {
        const std::string message = e.what();
        INFO("message: ", message);
        CHECK(typeid(e) == *error.type);
        CHECK(message.rfind(prefix, 0) == 0);
        CHECK(message.find(error.says) != std::string::npos);
        CHECK(message.find("got ") != std::string::npos);
        CHECK(message.find("expected ") != std::string::npos);
      }
    }
  }
}

// The table is worth what gradcheck is worth

const std::vector<Tensor>& probe_input() {
  static const std::vector<Tensor> in{Tensor({{0.5, -1.25, 2.0}, {1.5, -0.75, 0.25}})};
  return in;
}
bool fails_at(const GradcheckReport& report, int order) {
  return std::any_of(report.failures.begin(), report.failures.end(),
                     [order](const GradcheckFailure& f) { return f.order == order; });
}

TEST_CASE("gradcheck: a right rule passes") {
  const auto cube = custom_gradient([](const Tensor& x) {
    return std::pair{x * x * x, [x](const Tensor& g) { return g * 3 * x * x; }};
  });
  const GradcheckReport report = gradcheck([&](const std::vector<Tensor>& in) { return cube(in[0]); }, probe_input());
  CHECK_MESSAGE(report.ok(), report.text());
  CHECK(report.checked == 12);  // six elements, two orders
}

TEST_CASE("gradcheck: a rule that is off by a hundredth is caught at first order") {
  const auto cube = custom_gradient([](const Tensor& x) {
    return std::pair{x * x * x, [x](const Tensor& g) { return 1.01 * (g * 3 * x * x); }};
  });
  const Call f = [&](const std::vector<Tensor>& in) { return cube(in[0]); };
  CHECK(fails_at(gradcheck(f, probe_input(), {.order = 1}), 1));
  CHECK(fails_at(gradcheck(f, probe_input(), {.order = 1, .full = true}), 1));
}

TEST_CASE("gradcheck: a rule that takes what it saved for a constant is caught at second order only") {
  const auto cube = custom_gradient([](const Tensor& x) {
    return std::pair{x * x * x, [slope = stop_gradient(3 * x * x)](const Tensor& g) { return g * slope; }};
  });
  const Call f = [&](const std::vector<Tensor>& in) { return cube(in[0]); };
  CHECK(gradcheck(f, probe_input(), {.order = 1}).ok());
  const GradcheckReport report = gradcheck(f, probe_input(), {.order = 2});
  CHECK(!fails_at(report, 1));
  CHECK(fails_at(report, 2));
}

}  // namespace
}  // namespace gradus::test
