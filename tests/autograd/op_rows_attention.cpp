// Attention and dropout.
#include <cmath>

#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

using Inputs = std::vector<Tensor>;
/// What is added to the score of query i and key j, given the position of the query's row and the other arguments.
using Bias = std::function<double(const Shape& row, int64_t j, const Arrays& in)>;

/// The element of x at `index`, whose rank may be higher and whose leading positions x may broadcast.
double at(const Array& x, Shape index, int64_t row, int64_t column) {
  index[index.ndim() - 2] = row;
  index[index.ndim() - 1] = column;
  Shape own;
  for (int i = 0; i < x.shape.ndim(); ++i) {
    const int64_t position = index[index.ndim() - x.shape.ndim() + i];
    own.push_back(i + 2 < x.shape.ndim() && x.shape[i] == 1 ? 0 : position);
  }
  return x(own);
}

/// Attention from its definition: for every element of the result, the weights of its row.
Reference attention(double scale, Bias bias) {
  return [=](const Arrays& in) {
    const Array &q = in[0], &k = in[1], &v = in[2];
    const auto leading = [](const Array& x) {
      return Array{Shape(std::span(x.shape.begin(), static_cast<size_t>(x.shape.ndim() - 2)))};
    };
    Shape shape = broadcast_shape({leading(q), leading(k), leading(v)});
    shape.push_back(q.shape[q.shape.ndim() - 2]);
    shape.push_back(v.shape.back());
    const int64_t keys = k.shape[k.shape.ndim() - 2], width = q.shape.back();
    return build(shape, [&](const Shape& index) {
      const int64_t row = index[index.ndim() - 2], column = index[index.ndim() - 1];
      double total = 0, sum = 0;
      for (int64_t j = 0; j < keys; ++j) {
        double score = 0;
        for (int64_t d = 0; d < width; ++d) score += at(q, index, row, d) * at(k, index, j, d);
        const double weight =
            std::exp(score * (scale > 0 ? scale : 1 / std::sqrt(static_cast<double>(width))) + bias(index, j, in));
        total += weight;
        sum += weight * at(v, index, j, column);
      }
      return total > 0 ? sum / total : 0;
    });
  };
}
double none(const Shape&, int64_t, const Arrays&) { return 0; }

Row attention_row(std::string name, std::vector<Shape> shapes, Call call, Bias bias, std::vector<std::vector<Shape>> more = {}) {
  Row row{.name = "scaled_dot_product_attention" + std::move(name), .inputs = {}, .shapes = std::move(more), .integers = false};
  for (const Shape& shape : shapes) row.inputs.push_back({.shape = shape, .low = -1, .high = 1});
  row.call = std::move(call);
  row.reference = attention(0, std::move(bias));
  row.reduces = true;
  return row;
}

std::vector<ErrorCase> attention_errors() {
  const auto call = [](Shape q, Shape k, Shape v, AttentionOptions options = {}) {
    return [=] { scaled_dot_product_attention(zeros(q), zeros(k), zeros(v), options); };
  };
  return {
      raises<ShapeError>("operand without two axes; got [3]", call({3}, {2, 3}, {2, 3})),
      raises<ShapeError>("queries and keys differ in length; got [2, 3] and [2, 4]", call({2, 3}, {2, 4}, {2, 3})),
      raises<ShapeError>("keys and values differ in number; got [2, 3] and [4, 3]", call({2, 3}, {2, 3}, {4, 3})),
      raises<ShapeError>("shapes do not broadcast; got [3] and [2, 2]", call({2, 3}, {2, 3}, {2, 3}, {.mask = zeros({3})})),
      raises<ShapeError>("mask does not fit; got [5, 2, 2]", call({2, 3}, {2, 3}, {2, 3}, {.mask = zeros({5, 2, 2})})),
      raises<DTypeError>("integer mask; got int64", call({2, 3}, {2, 3}, {2, 3}, {.mask = zeros({2, 2}, DType::int64)})),
      raises<ValueError>("bad scale; got inf", call({2, 3}, {2, 3}, {2, 3}, {.scale = kInf})),
      raises<DTypeError>("integer operand; got int32",
                         [] {
                           const Tensor x = zeros({2, 3}, DType::int32);
                           scaled_dot_product_attention(x, x, x);
                         }),
      raises<ShapeError>("do not broadcast", call({2, 2, 3}, {3, 2, 3}, {3, 2, 3}), "matmul"),
      raises<ValueError>("rate out of range; got 1.5", call({2, 3}, {2, 3}, {2, 3}, {.dropout = 1.5}), "dropout"),
      raises<ValueError>("rate out of range; got nan", call({2, 3}, {2, 3}, {2, 3}, {.dropout = kNaN}), "dropout"),
  };
}

/// The second query may attend to nothing.
Tensor allowed() { return Tensor({{true, false, true}, {false, false, false}}); }

std::vector<Row> attention_family() {
  const std::vector<Shape> plain{{2, 2}, {3, 2}, {3, 2}};
  std::vector<Row> rows;
  rows.push_back(attention_row("", plain, [](const Inputs& in) { return scaled_dot_product_attention(in[0], in[1], in[2]); },
                               none,
                               {{{1, 1}, {1, 1}, {1, 1}},
                                {{2, 2, 3}, {2, 1, 3}, {2, 1, 2}},
                                {{0, 2}, {3, 2}, {3, 2}},
                                {{2, 2}, {0, 2}, {0, 2}},
                                {{2, 0}, {3, 0}, {3, 2}},
                                {{2, 2}, {3, 2}, {3, 0}},
                                {{0, 2, 2}, {0, 3, 2}, {0, 3, 2}}}));
  rows.back().reference = [base = rows.back().reference](const Arrays& in) {
    if (in[0].shape.back() > 0) return base(in);
    Arrays wide = in;  // without a width all scores are 0
    for (int i : {0, 1}) {
      Shape& shape = wide[static_cast<size_t>(i)].shape;
      shape[shape.ndim() - 1] = 1;
      wide[static_cast<size_t>(i)].values.assign(static_cast<size_t>(numel("reference", shape)), 0.0);
    }
    return base(wide);
  };
  rows.back().errors = attention_errors();
  rows.push_back(attention_row(
      " over heads that share keys", {{2, 2, 2, 2}, {2, 1, 3, 2}, {2, 1, 3, 2}},
      [](const Inputs& in) { return scaled_dot_product_attention(in[0], in[1], in[2]); }, none));
  rows.push_back(attention_row(
      " causal", plain, [](const Inputs& in) { return scaled_dot_product_attention(in[0], in[1], in[2], {.causal = true}); },
      [](const Shape& row, int64_t j, const Arrays&) { return j <= row[row.ndim() - 2] ? 0 : -kInf; },
      {{{3, 2}, {2, 2}, {2, 1}}, {{2, 2}, {0, 2}, {0, 2}}}));
  rows.push_back(attention_row(
      " with a boolean mask", plain,
      [](const Inputs& in) { return scaled_dot_product_attention(in[0], in[1], in[2], {.mask = allowed()}); },
      [](const Shape& row, int64_t j, const Arrays&) { return row[row.ndim() - 2] == 0 && j != 1 ? 0 : -kInf; },
      {{{2, 2, 2}, {2, 3, 2}, {2, 3, 2}}}));
  rows.push_back(attention_row(
      " with a floating mask", {{2, 2}, {3, 2}, {3, 2}, {2, 3}},
      [](const Inputs& in) { return scaled_dot_product_attention(in[0], in[1], in[2], {.mask = in[3]}); },
      [](const Shape& row, int64_t j, const Arrays& in) { return at(in[3], row, row[row.ndim() - 2], j); }));
  // -inf in a floating mask shuts, and all of it gives zeros.
  rows.push_back(attention_row(
      " with -inf in a floating mask", plain,
      [](const Inputs& in) {
        const Tensor bias = where(allowed(), Tensor(0.25), -kInf).astype(in[0].dtype());
        return scaled_dot_product_attention(in[0], in[1], in[2], {.mask = bias});
      },
      [](const Shape& row, int64_t j, const Arrays&) { return row[row.ndim() - 2] == 0 && j != 1 ? 0.25 : -kInf; }));
  rows.push_back(attention_row(
      " with a scale, a mask, and causal", {{2, 2}, {2, 2}, {2, 3}},
      [](const Inputs& in) {
        return scaled_dot_product_attention(in[0], in[1], in[2],
                                            {.mask = Tensor({{false}, {true}}), .causal = true, .scale = 0.3});
      },
      none));
  rows.back().reference =
      attention(0.3, [](const Shape& row, int64_t j, const Arrays&) { return row[row.ndim() - 2] == 1 && j <= 1 ? 0 : -kInf; });
  return rows;
}

Row dropout_row(std::string name, double rate) {
  Row row{.name = std::move(name), .shapes = {{{0}}, {{}}, {{2, 0}}, {{1}}, {{131}}}, .integers = false, .result = kept};
  row.call = [rate](const Inputs& in) {
    random::Generator generator(7, 3);
    return dropout(in[0], rate, generator);
  };
  row.reference = [rate](const Arrays& in) {
    random::Generator generator(7, 3);
    const std::vector<double> keep = random::bernoulli(in[0].shape, 1 - rate, DType::float64, generator).to_vector<double>();
    Array out = in[0];
    for (size_t i = 0; i < keep.size(); ++i) out.values[i] = keep[i] != 0 ? out.values[i] / (1 - rate) : 0;
    return out;
  };
  row.polynomial = true;
  row.ulps = 1;
  return row;
}

std::vector<Row> dropout_rows() {
  std::vector<Row> rows{dropout_row("dropout", 0.5), dropout_row("dropout of little", 0.125),
                        dropout_row("dropout of everything", 1)};
  rows[2].specials = {{{{1, -2, kInf}}, {0, 0, 0}, {{0, 0, 0}}}};
  rows.front().errors = {
      raises<ValueError>("rate out of range; got -0.1, expected [0, 1]", [] { dropout(zeros({2}), -0.1); }),
      raises<ValueError>("rate out of range; got 1.5", [] { dropout(zeros({2}), 1.5); }),
      raises<ValueError>("rate out of range; got nan", [] { dropout(zeros({2}), kNaN); }),
      raises<DTypeError>("integer input; got int64, expected a floating dtype", [] { dropout(zeros({2}, DType::int64), 0.5); }),
      raises<ValueError>(
          "has no value", [] { dropout(Tensor(), 0.5); }, "Tensor"),
  };
  return rows;
}

}  // namespace

std::vector<Row> attention_rows() {
  std::vector<Row> rows = attention_family();
  for (Row& row : dropout_rows()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace gradus::test
