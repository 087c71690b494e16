// Products.
#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

Row product(std::string name, std::vector<Shape> shapes, Call call, Reference reference,
            std::vector<std::vector<Shape>> more = {}) {
  Row row{.name = std::move(name)};
  row.inputs.clear();
  for (const Shape& shape : shapes) row.inputs.push_back({.shape = shape});
  row.call = std::move(call);
  row.reference = std::move(reference);
  row.shapes = std::move(more);
  row.polynomial = true;
  row.result = kept;
  row.reduces = true;
  return row;
}

Tensor product_of(const std::vector<Tensor>& in) { return matmul(in[0], in[1]); }

Row matrix_product(std::string name, std::vector<Shape> shapes, std::string a, std::string b, std::string out,
                   std::vector<std::vector<Shape>> more = {}) {
  return product("matmul " + name, std::move(shapes), product_of, einstein({std::move(a), std::move(b)}, std::move(out)),
                 std::move(more));
}

// Leading dimensions that broadcast against each other have no letter in an Einstein sum.
Array broadcast_product(const Arrays& in) {
  const Array &a = in[0], &b = in[1];
  const auto leading = [](const Array& x) { return Shape(std::span(x.shape.begin(), static_cast<size_t>(x.shape.ndim() - 2))); };
  Shape shape = broadcast_shape({Array{leading(a)}, Array{leading(b)}});
  shape.push_back(a.shape[a.shape.ndim() - 2]);
  shape.push_back(b.shape.back());
  return build(shape, [&](const Shape& at) {
    const int n = at.ndim();
    double sum = 0;
    for (int64_t k = 0; k < a.shape.back(); ++k) {
      Shape left = at, right = at;
      left[n - 1] = k;
      right[n - 2] = k;
      const auto element = [n](const Array& x, const Shape& full) {
        Shape own;
        for (int i = 0; i < x.shape.ndim(); ++i) {
          const int64_t position = full[n - x.shape.ndim() + i];
          own.push_back(i + 2 < x.shape.ndim() && x.shape[i] == 1 ? 0 : position);
        }
        return x(own);
      };
      sum += element(a, left) * element(b, right);
    }
    return sum;
  });
}

Row einsum_row(std::string expression, std::vector<Shape> shapes, std::vector<std::string> inputs, std::string output) {
  return product(
      "einsum " + expression, std::move(shapes), [expression](const std::vector<Tensor>& in) { return einsum(expression, in); },
      einstein(std::move(inputs), std::move(output)));
}

}  // namespace

std::vector<Row> product_rows() {
  std::vector<Row> rows{
      matrix_product(
          "of matrices", {{2, 3}, {3, 4}}, "ik", "kj", "ij",
          {{{1, 1}, {1, 1}}, {{3, 1}, {1, 2}}, {{2, 0}, {0, 3}}, {{0, 2}, {2, 3}}, {{2, 3}, {3, 0}}, {{5, 17}, {17, 9}}}),
      matrix_product("of a vector and a matrix", {{3}, {3, 2}}, "k", "kj", "j", {{{0}, {0, 2}}, {{1}, {1, 1}}}),
      matrix_product("of a matrix and a vector", {{2, 3}, {3}}, "ik", "k", "i", {{{2, 0}, {0}}, {{0, 2}, {2}}}),
      matrix_product("of vectors", {{4}, {4}}, "k", "k", "", {{{1}, {1}}, {{0}, {0}}, {{33}, {33}}}),
      matrix_product("of a batch and a matrix", {{2, 2, 3}, {3, 2}}, "bik", "kj", "bij",
                     {{{0, 2, 3}, {3, 2}}, {{2, 1, 3}, {3, 1}}}),
      matrix_product("of a batch and a vector", {{2, 2, 3}, {3}}, "bik", "k", "bi"),
      matrix_product("of a vector and a batch", {{2}, {3, 2, 2}}, "k", "bkj", "bj"),
      matrix_product("of two batches", {{2, 2, 3}, {2, 3, 2}}, "bik", "bkj", "bij",
                     {{{1, 2, 1}, {1, 1, 3}}, {{0, 2, 2}, {0, 2, 2}}}),
  };
  rows.front().name = "matmul";
  rows.front().errors = {raises<ShapeError>("inner dimensions differ; got [2, 3] and [2, 3]",
                                            [] {
                                              matmul(zeros({2, 3}), zeros({2, 3}));
                                            }),
                         raises<ShapeError>("inner dimensions differ",
                                            [] {
                                              matmul(zeros({3}), zeros({2, 3}));
                                            }),
                         raises<ShapeError>("0-dim operand; got [] and [2]", [] { matmul(Tensor(1.0f), zeros({2})); }),
                         raises<ShapeError>("do not broadcast; got [2] and [3]", [] {
                           matmul(zeros({2, 1, 1}), zeros({3, 1, 1}));
                         })};
  rows.push_back(product("matmul of batches that broadcast", {{2, 1, 2, 2}, {3, 2, 2}}, product_of, broadcast_product,
                         {{{1, 2, 2}, {2, 2, 2}},
                          {{2, 2}, {2, 2, 2}},
                          {{1, 1, 2}, {2, 2, 2, 1}},
                          {{2, 1, 3, 2}, {2, 2}},
                          {{0, 1, 2, 2}, {3, 2, 1}}}));

  rows.push_back(product("tensordot over one axis", {{2, 3}, {3, 2}},
                         [](const std::vector<Tensor>& in) { return tensordot(in[0], in[1], 1); }, einstein({"ik", "kj"}, "ij"),
                         {{{2, 0}, {0, 2}}}));
  rows.push_back(product(
      "tensordot over two axes", {{2, 2, 3}, {2, 3, 2}}, [](const std::vector<Tensor>& in) { return tensordot(in[0], in[1], 2); },
      einstein({"ikl", "klj"}, "ij")));
  rows.push_back(product(
      "tensordot over no axis", {{2}, {3}}, [](const std::vector<Tensor>& in) { return tensordot(in[0], in[1], 0); },
      einstein({"i", "j"}, "ij")));
  rows.push_back(product(
      "tensordot over no axis of numbers", {{}, {2}}, [](const std::vector<Tensor>& in) { return tensordot(in[0], in[1], 0); },
      einstein({"", "i"}, "i")));
  rows.push_back(product(
      "tensordot over pairs of axes", {{2, 3, 2}, {3, 2, 2}},
      [](const std::vector<Tensor>& in) {
        return tensordot(in[0], in[1], {1, 0}, {0, -1});
      },
      einstein({"aib", "ija"}, "bj")));
  rows.back().errors = {raises<ShapeError>("number of axes out of range; got 3",
                                           [] {
                                             tensordot(zeros({2, 2}), zeros({2, 2}), 3);
                                           }),
                        raises<ShapeError>("number of axes out of range; got -1", [] { tensordot(zeros({2}), zeros({2}), -1); }),
                        raises<ShapeError>("contracted dimensions differ",
                                           [] {
                                             tensordot(zeros({2, 3}), zeros({2, 3}), 1);
                                           }),
                        raises<ShapeError>("axes come in pairs", [] { tensordot(zeros({2}), zeros({2}), {0}, {}); }),
                        raises<ShapeError>("axis out of range; got 5", [] { tensordot(zeros({2}), zeros({2}), {5}, {0}); })};

  rows.push_back(einsum_row("ij,jk->ik", {{2, 3}, {3, 2}}, {"ij", "jk"}, "ik"));
  rows.back().shapes = {{{2, 0}, {0, 2}}, {{1, 1}, {1, 1}}};
  rows.push_back(einsum_row("kj, ik", {{2, 3}, {3, 2}}, {"kj", "ik"}, "ij"));  // implicit: alphabetical
  rows.push_back(einsum_row("ij->ji", {{2, 3}}, {"ij"}, "ji"));
  rows.push_back(einsum_row("ii->i", {{3, 3}}, {"ii"}, "i"));
  rows.push_back(einsum_row("ii", {{3, 3}}, {"ii"}, ""));
  rows.push_back(einsum_row("iji->j", {{2, 3, 2}}, {"iji"}, "j"));
  rows.push_back(einsum_row("ijk->k", {{2, 2, 3}}, {"ijk"}, "k"));
  rows.push_back(einsum_row("i,j->ji", {{2}, {3}}, {"i", "j"}, "ji"));
  rows.push_back(einsum_row("ij,ij->", {{2, 3}, {2, 3}}, {"ij", "ij"}, ""));
  rows.push_back(einsum_row("bij,bjk->bik", {{2, 2, 3}, {2, 3, 2}}, {"bij", "bjk"}, "bik"));
  rows.push_back(einsum_row("ib,jb->bij", {{2, 2}, {3, 2}}, {"ib", "jb"}, "bij"));
  rows.push_back(einsum_row("ii,jk->k", {{2, 2}, {2, 3}}, {"ii", "jk"}, "k"));
  rows.push_back(einsum_row("ij,jk,kl->il", {{2, 2}, {2, 2}, {2, 2}}, {"ij", "jk", "kl"}, "il"));
  rows.push_back(einsum_row("i,i,i->i", {{2}, {2}, {2}}, {"i", "i", "i"}, "i"));
  rows.back().errors = {raises<ValueError>("unexpected character; got '1'",
                                           [] {
                                             einsum("i1->i", {zeros({2, 2})});
                                           }),
                        raises<ValueError>("one group of letters per operand; got 2 groups and 1 operands",
                                           [] {
                                             einsum("ij,jk->ik", {zeros({2, 2})});
                                           }),
                        raises<ValueError>("bad output letter; got 'z'",
                                           [] {
                                             einsum("ij->z", {zeros({2, 2})});
                                           }),
                        raises<ValueError>("bad output letter; got 'i'",
                                           [] {
                                             einsum("ij->ii", {zeros({2, 2})});
                                           }),
                        raises<ValueError>("no operands", [] { einsum("ij->ij", {}); }),
                        raises<ShapeError>("one letter per axis", [] { einsum("ij->ij", {zeros({2})}); }),
                        raises<ShapeError>("letter 'j' has two sizes; got 3 and 2", [] {
                          einsum("ij,jk->ik", {zeros({2, 3}), zeros({2, 2})});
                        })};
  return rows;
}

}  // namespace gradus::test
