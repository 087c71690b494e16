// The table behind op_table_test: one row per operation. A row says what the operation is (a call, and a naive reference on
// doubles), where it may be tried, and what holds at special points and for bad arguments. It never states a derivative formula:
// derivatives are held against differences, and stated as numbers only where differences cannot see them.
#pragma once

#include <array>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "autograd/autograd.h"
#include "tests/support/reference.h"

namespace gradus::test {

inline constexpr double kInf = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();

using Call = std::function<Tensor(const std::vector<Tensor>&)>;

/// One argument: its shape and the range its values are drawn from, both ends included for integers.
struct Input {
  Shape shape = {2, 3};
  double low = -2, high = 2;
  DType dtype = DType::float64;  // float64: is tried in every dtype; any other stays what it is
};

/// Values at chosen points. Each input is 1-D; gradients are those of the sum of the result.
struct Special {
  std::vector<std::vector<double>> inputs;
  std::vector<double> values;
  std::vector<std::vector<double>> gradients = {};  // one per floating input, or none to leave them open
};

/// A call that must throw exactly `type`, with a message that starts with the operation's name and contains `says`.
struct ErrorCase {
  const std::type_info* type;
  std::string says;
  std::function<void()> call;
  std::string prefix = {};  // where it is not the row's name
};
template <class E>
ErrorCase raises(std::string says, std::function<void()> call, std::string prefix = {}) {
  return {&typeid(E), std::move(says), std::move(call), std::move(prefix)};
}

// The dtype of a result, given that of the floating arguments.
inline DType kept(DType dtype) { return dtype; }
inline DType floating(DType dtype) { return is_floating(dtype) ? dtype : DType::float32; }
inline DType summed(DType dtype) { return is_floating(dtype) ? dtype : DType::int64; }
inline DType index(DType) { return DType::int64; }
inline DType boolean(DType) { return DType::boolean; }

struct Row {
  std::string name = {};  // of the operation on the tape, or of the function where it is composed of others
  Call call = {};
  Reference reference = {};
  std::vector<Input> inputs = {{}};
  std::vector<std::vector<Shape>> shapes = {};  // more sets of shapes to try, one shape per input
  bool pointwise = false;                       // broadcasts: tried in many shapes by itself
  bool polynomial = false;                      // linear in each single element: differences are exact for any step
  bool differentiable = true;
  bool integers = true;               // also tried on integers and booleans where the domain holds any
  DType (*result)(DType) = floating;  // dtype of the result
  double ulps = 4;                    // error allowed of a pointwise row, in units in the last place
  bool reduces = false;               // errors are relative to 1 and to the largest value, and 1e-5 in float32
  std::vector<Special> specials = {};
  std::vector<ErrorCase> errors = {};
  std::vector<std::string_view> covers = {};  // operations that only gradients of this one record
};

/// Rows by family, in the order of autograd/ops.h.
std::vector<Row> arithmetic_rows();
std::vector<Row> comparison_rows();
std::vector<Row> math_rows();
std::vector<Row> trigonometry_rows();
std::vector<Row> special_rows();
std::vector<Row> activation_rows();
std::vector<Row> reduce_rows();
std::vector<Row> product_rows();
std::vector<Row> norm_rows();
std::vector<Row> view_rows();
std::vector<Row> join_rows();
std::vector<Row> softmax_rows();
std::vector<Row> graph_rows();
std::vector<Row> scan_rows();
std::vector<Row> sort_rows();
std::vector<Row> rearrange_rows();
std::vector<Row> scatter_rows();
std::vector<Row> linalg_rows();
std::vector<Row> decomposition_rows();
std::vector<Row> convolution_rows();
std::vector<Row> pooling_rows();
std::vector<Row> normalization_rows();
std::vector<Row> attention_rows();

/// All of them.
const std::vector<Row>& all_rows();
/// The operation a row is about: "sum over axis 1" is about sum.
std::string operation(const Row& row);

/// x, f(x), f'(x)
using Points = std::vector<std::array<double, 3>>;
/// a, b, f(a, b), df/da, df/db
using PairPoints = std::vector<std::array<double, 5>>;

struct Range {
  double low = -2, high = 2;
};

inline Row with_special(Row row, Special special) {
  if (!special.values.empty()) row.specials.push_back(std::move(special));
  return row;
}

/// A pointwise function of one argument. `more` carries what is out of the ordinary.
inline Row unary(std::string name, Tensor (*f)(const Tensor&), double (*reference)(double), Range range, const Points& points,
                 Row more = {}) {
  more.errors.push_back(raises<ValueError>(
      "has no value", [f] { f(Tensor()); }, "Tensor"));
  more.name = std::move(name);
  more.call = [f](const std::vector<Tensor>& in) { return f(in[0]); };
  more.reference = elementwise(reference);
  more.inputs = {{.low = range.low, .high = range.high}};
  more.pointwise = true;
  Special special{.inputs = {{}}, .values = {}, .gradients = {{}}};
  for (const auto& [x, y, dy] : points) {
    special.inputs[0].push_back(x);
    special.values.push_back(y);
    special.gradients[0].push_back(dy);
  }
  return with_special(std::move(more), std::move(special));
}

/// A pointwise function of two arguments that broadcast.
inline Row binary(std::string name, Tensor (*f)(const Operand&, const Operand&), double (*reference)(double, double), Range a,
                  Range b, const PairPoints& points, Row more = {}) {
  more.errors.push_back(raises<ShapeError>("shapes do not broadcast; got [", [f] { f(zeros({2}), zeros({3})); }));
  more.errors.push_back(raises<ValueError>("no operand is a tensor", [f] { f(1, 2.0); }));
  more.name = std::move(name);
  more.call = [f](const std::vector<Tensor>& in) { return f(in[0], in[1]); };
  more.reference = elementwise(reference);
  more.inputs = {{.low = a.low, .high = a.high}, {.low = b.low, .high = b.high}};
  more.pointwise = true;
  Special special{.inputs = {{}, {}}, .values = {}, .gradients = {{}, {}}};
  for (const auto& [x, y, z, dx, dy] : points) {
    special.inputs[0].push_back(x);
    special.inputs[1].push_back(y);
    special.values.push_back(z);
    special.gradients[0].push_back(dx);
    special.gradients[1].push_back(dy);
  }
  if (!more.differentiable) special.gradients.clear();
  return with_special(std::move(more), std::move(special));
}

}  // namespace gradus::test
