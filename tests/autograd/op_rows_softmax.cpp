// Softmax and the cross entropies.
#include <cmath>
#include <numeric>

#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

std::vector<double> softmax_of(const std::vector<double>& x) {
  double total = 0;
  for (const double v : x) total += std::exp(v);
  std::vector<double> y;
  for (const double v : x) y.push_back(std::exp(v) / total);
  return y;
}
std::vector<double> log_softmax_of(const std::vector<double>& x) {
  std::vector<double> y = softmax_of(x);
  for (double& v : y) v = std::log(v);
  return y;
}

template <std::vector<double> (*kRow)(const std::vector<double>&)>
Row softmax_row(std::string name, Tensor (*f)(const Tensor&, int64_t), int64_t axis, std::vector<Special> specials) {
  Row row{.name = std::move(name), .shapes = {{{2, 1}}, {{1, 4}}, {{0, 3}}, {{2, 0}}, {{3, 37}}, {{2, 3, 2}}}};
  row.call = [f, axis](const std::vector<Tensor>& in) { return f(in[0], axis); };
  row.reference = [axis](const Arrays& in) {
    if (axis == -1) return along_last_axis(in[0], kRow);
    Shape order;  // axis 0 goes last, and back
    for (int i = 1; i < in[0].shape.ndim(); ++i) order.push_back(i);
    order.push_back(0);
    const Array y = along_last_axis(permuted(in[0], order), kRow);
    Shape back{y.shape.ndim() - 1};
    for (int i = 0; i + 1 < y.shape.ndim(); ++i) back.push_back(i);
    return permuted(y, back);
  };
  row.reduces = true;
  row.specials = std::move(specials);
  row.errors = {raises<ShapeError>("0-dim tensor; got []", [f] { f(Tensor(1.0f), -1); }),
                raises<ShapeError>("axis out of range; got 2", [f] {
                  f(zeros({2, 3}), 2);
                })};
  return row;
}

Array sparse_loss(const Arrays& in) {
  return build(in[0].shape, [&](const Shape& at) {
    Shape from = at;
    from.push_back(0);
    double total = 0;
    for (; from[at.ndim()] < in[1].shape.back(); ++from[at.ndim()]) total += std::exp(in[1](from));
    from[at.ndim()] = static_cast<int64_t>(in[0](at));
    return std::log(total) - in[1](from);
  });
}
Array dense_loss(const Arrays& in) {
  Array terms = along_last_axis(in[1], log_softmax_of);
  for (size_t i = 0; i < terms.values.size(); ++i) terms.values[i] *= -in[0].values[i];
  const auto sum = [](const std::vector<double>& v) { return std::accumulate(v.begin(), v.end(), 0.0); };
  return reduction(sum, {terms.shape.ndim() - 1})({terms});
}
double sigmoid_loss(double t, double z) {
  const double p = 1 / (1 + std::exp(-z));
  return -t * std::log(p) - (1 - t) * std::log(1 - p);
}

Row sparse_row() {
  Row row{.name = "sparse_softmax_cross_entropy",
          .inputs = {{.shape = {2}, .low = 0, .high = 3, .dtype = DType::int64}, {.shape = {2, 4}}},
          .shapes = {{{}, {4}}, {{2, 2}, {2, 2, 4}}, {{0}, {0, 4}}, {{5}, {5, 37}}}};
  row.call = [](const std::vector<Tensor>& in) { return sparse_softmax_cross_entropy(in[0], in[1]); };
  row.reference = sparse_loss;
  row.reduces = true;
  row.errors = {raises<ShapeError>("labels do not fit the logits; got [3] and [2, 4]",
                                   [] {
                                     sparse_softmax_cross_entropy(zeros({3}, DType::int64), zeros({2, 4}));
                                   }),
                raises<ShapeError>("labels do not fit the logits", [] { sparse_softmax_cross_entropy(Tensor(0), Tensor(1.0f)); }),
                raises<ValueError>("index out of range; got 4 at position 1, expected 0 <= index < 4",
                                   [] {
                                     sparse_softmax_cross_entropy(Tensor({0, 4}), zeros({2, 4}));
                                   }),
                raises<ValueError>("index out of range; got -1",
                                   [] {
                                     sparse_softmax_cross_entropy(Tensor({-1}), zeros({1, 4}));
                                   }),
                raises<DTypeError>("indices must be integers; got float32", [] {
                  sparse_softmax_cross_entropy(zeros({2}), zeros({2, 4}));
                })};
  row.covers = {"sparse_softmax_cross_entropy_grad"};
  return row;
}
Row dense_row() {
  Row row{.name = "softmax_cross_entropy",
          .inputs = {{.shape = {2, 3}, .low = 0, .high = 1}, {.shape = {2, 3}}},
          .shapes = {{{3}, {3}}, {{2, 2, 2}, {2, 2, 2}}, {{0, 3}, {0, 3}}, {{1, 1}, {1, 1}}}};
  row.call = [](const std::vector<Tensor>& in) { return softmax_cross_entropy(in[0], in[1]); };
  row.reference = dense_loss;
  row.reduces = true;
  row.specials = {{{{1, 0}, {1000, -1000}}, {0}, {{0, 2000}, {0, 0}}}, {{{0, 1}, {1000, -1000}}, {2000}, {{0, 2000}, {1, -1}}}};
  row.errors = {raises<ShapeError>("targets and logits differ in shape; got [2, 3] and [3]", [] {
    softmax_cross_entropy(zeros({2, 3}), zeros({3}));
  })};
  return row;
}
Row sigmoid_row() {
  Row row{
      .name = "sigmoid_cross_entropy", .inputs = {{.low = 0, .high = 1}, {.low = -3, .high = 3}}, .pointwise = true, .ulps = 16};
  row.call = [](const std::vector<Tensor>& in) { return sigmoid_cross_entropy(in[0], in[1]); };
  row.reference = elementwise(sigmoid_loss);
  row.specials = {{{{1, 0, 1, 0, 0.5}, {1000, 1000, -1000, -1000, 0}},
                   {0, 1000, 1000, 0, std::log(2.0)},
                   {{-1000, -1000, 1000, 1000, 0}, {0, 1, -1, 0, 0}}}};
  row.errors = {raises<ShapeError>("do not broadcast; got [2] and [3]", [] { sigmoid_cross_entropy(zeros({2}), zeros({3})); })};
  return row;
}

}  // namespace

std::vector<Row> softmax_rows() {
  std::vector<Row> rows{
      softmax_row<softmax_of>("softmax", softmax, -1,
                              {{{{1000, 1000}}, {0.5, 0.5}, {{0, 0}}},
                               {{{-kInf, 0}}, {0, 1}, {{0, 0}}},
                               {{{-1000, 1000}}, {0, 1}, {{0, 0}}},
                               {{{kNaN, 0}}, {kNaN, kNaN}},
                               {{{-kInf, -kInf}}, {kNaN, kNaN}}}),
      softmax_row<softmax_of>("softmax along axis 0", softmax, 0, {}),
      softmax_row<log_softmax_of>("log_softmax", log_softmax, -1,
                                  {{{{1000, 1000}}, {-std::log(2.0), -std::log(2.0)}, {{0, 0}}},
                                   {{{-1000, 1000}}, {-2000, 0}, {{1, -1}}},
                                   {{{-kInf, 0}}, {-kInf, 0}, {{1, -1}}},
                                   {{{kNaN, 0}}, {kNaN, kNaN}}}),
      softmax_row<log_softmax_of>("log_softmax along axis 0", log_softmax, 0, {}),
      sparse_row(),
      dense_row(),
      sigmoid_row(),
  };
  for (Row& row : rows)
    if (row.name.find("axis 0") != std::string::npos) row.errors.clear();
  return rows;
}

}  // namespace gradus::test
