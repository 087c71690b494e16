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

std::vector<Row> einsum_rows() {
  std::vector<Row> rows{
      einsum_row("ij,jk->ik", {{2, 3}, {3, 2}}, {"ij", "jk"}, "ik"),
      einsum_row("kj, ik", {{2, 3}, {3, 2}}, {"kj", "ik"}, "ij"),  // implicit: alphabetical
      einsum_row("ba", {{2, 3}}, {"ba"}, "ab"),
      einsum_row("ij->ji", {{2, 3}}, {"ij"}, "ji"),
      einsum_row("ii->i", {{3, 3}}, {"ii"}, "i"),
      einsum_row("ii", {{3, 3}}, {"ii"}, ""),
      einsum_row("iji->j", {{2, 3, 2}}, {"iji"}, "j"),
      einsum_row("iii->i", {{2, 2, 2}}, {"iii"}, "i"),
      einsum_row("ijk->k", {{2, 2, 3}}, {"ijk"}, "k"),
      einsum_row("i,j->ji", {{2}, {3}}, {"i", "j"}, "ji"),
      einsum_row("ij,ij->", {{2, 3}, {2, 3}}, {"ij", "ij"}, ""),
      einsum_row("bij,bjk->bik", {{2, 2, 3}, {2, 3, 2}}, {"bij", "bjk"}, "bik"),
      einsum_row("ib,jb->bij", {{2, 2}, {3, 2}}, {"ib", "jb"}, "bij"),
      einsum_row("ii,jk->k", {{2, 2}, {2, 3}}, {"ii", "jk"}, "k"),
      einsum_row("ij,jk,kl->il", {{2, 2}, {2, 2}, {2, 2}}, {"ij", "jk", "kl"}, "il"),
      einsum_row(",i->i", {{}, {2}}, {"", "i"}, "i"),
      // Shapes that are written out where "..." or an axis of size 1 stands for them.
      einsum_row("...ij,...jk", {{2, 2, 3}, {2, 3, 2}}, {"bij", "bjk"}, "bik"),
      einsum_row("...ij->...ji", {{2, 3, 2}}, {"bij"}, "bji"),
      einsum_row("i...->...", {{2, 3, 2}}, {"ibc"}, "bc"),
      einsum_row("b...,...c->...bc", {{2, 3}, {3, 2}}, {"be", "ec"}, "ebc"),
      einsum_row("...,...->...", {{2, 3}, {3}}, {"ab", "b"}, "ab"),
      einsum_row("...a,a", {{2, 3}, {3}}, {"ba", "a"}, "b"),
      einsum_row("... , ...j -> j...", {{}, {2}}, {"", "j"}, "j"),
      einsum_row("ij,jk,i->k", {{3, 2}, {2, 2}, {3}}, {"ij", "jk", "i"}, "k"),
      einsum_row("ab,bc,cd,de,ef->fa", {{2, 2}, {2, 1}, {1, 2}, {2, 2}, {2, 2}}, {"ab", "bc", "cd", "de", "ef"}, "fa"),
      einsum_row("ab,b,ac,c,d,ad,a,d,b->", {{2, 2}, {2}, {2, 2}, {2}, {2}, {2, 2}, {2}, {2}, {2}},  // nine: greedy
                 {"ab", "b", "ac", "c", "d", "ad", "a", "d", "b"}, ""),
      einsum_row("i,i,i->i", {{2}, {2}, {2}}, {"i", "i", "i"}, "i"),
  };
  rows[0].shapes = {{{2, 0}, {0, 2}}, {{1, 1}, {1, 1}}};
  rows.push_back(product(
      "einsum of axes that broadcast", {{2, 1}, {3, 2}}, [](const std::vector<Tensor>& in) { return einsum("ij,jk->ik", in); },
      [](const Arrays& in) {
        return build({in[0].shape[0], in[1].shape[1]}, [&](const Shape& at) {
          double total = 0;
          const int64_t n = in[0].shape[1] == 1 ? in[1].shape[0] : in[0].shape[1];
          for (int64_t j = 0; j < n; ++j) total += in[0].broadcast({at[0], j}) * in[1].broadcast({j, at[1]});
          return total;
        });
      },
      {{{2, 3}, {1, 2}}, {{0, 1}, {3, 2}}, {{2, 1}, {0, 2}}}));
  rows.push_back(product(
      "einsum of ellipses that broadcast", {{2, 1, 2}, {3, 2}},
      [](const std::vector<Tensor>& in) { return einsum("...i,...i->...", in); },
      [](const Arrays& in) {
        Shape shape = broadcast_shape(in), all = shape;
        shape = Shape(std::span(all.begin(), static_cast<size_t>(all.ndim() - 1)));
        return build(shape, [&](Shape at) {
          double total = 0;
          at.push_back(0);
          for (int64_t& i = at[at.ndim() - 1]; i < all.back(); ++i) total += in[0].broadcast(at) * in[1].broadcast(at);
          return total;
        });
      },
      {{{2}, {3, 2}}, {{3, 1, 1}, {2, 2}}, {{0, 2}, {1, 2}}}));

  const Tensor x = zeros({2, 3}), square = zeros({2, 2});
  const auto bad = [](std::string expression, std::vector<Tensor> operands) { return [=] { einsum(expression, operands); }; };
  rows[0].errors = {
      raises<ValueError>("no operands", bad("ij->ij", {})),
      raises<ValueError>("unexpected character; got '1' in \"i1->i\"", bad("i1->i", {square})),
      raises<ValueError>("unexpected character; got '-'", bad("i-j", {square})),
      raises<ValueError>("unexpected character; got '-'", bad("ij->i->j", {square})),
      raises<ValueError>("unexpected character; got '>'", bad("ij->>i", {square})),
      raises<ValueError>("unexpected character; got ','", bad("ij->i,j", {square})),
      raises<ValueError>("unexpected character; got '.'", bad("i..j", {square})),
      raises<ValueError>("unexpected character; got '.'", bad("i....", {square})),
      raises<ValueError>("two ellipses in one group", bad("...i...", {square})),
      raises<ValueError>("two ellipses in one group", bad("...->......", {square})),
      raises<ValueError>("the output drops the ellipsis; got \"...j->j\"", bad("...j->j", {square})),
      raises<ValueError>("one group of letters per operand; got 2 groups and 1 operands", bad("ij,jk->ik", {square})),
      raises<ValueError>("one group of letters per operand; got 1 groups and 2 operands", bad("ij", {square, square})),
      raises<ValueError>("bad output letter; got 'z'", bad("ij->z", {square})),
      raises<ValueError>("bad output letter; got 'i'", bad("ij->ii", {square})),
      raises<ShapeError>("one letter per axis; got 2 letters in \"ij->ij\" for shape [2], expected 1",
                         bad("ij->ij", {zeros({2})})),
      raises<ShapeError>("one letter per axis; got 1 letters", bad("i->i", {square})),
      raises<ShapeError>("one letter per axis; got 3 letters", bad("ijk...", {square})),
      raises<ShapeError>("letter 'j' has two sizes; got 3 and 2", bad("ij,jk->ik", {x, square})),
      raises<ShapeError>("letter 'i' has two sizes; got 2 and 3", bad("ii", {x})),
      raises<ShapeError>("letter 'i' has two sizes; got 1 and 3 in one operand", bad("ii", {zeros({1, 3})})),
      raises<ShapeError>("axes under \"...\" do not broadcast; got 2 and 3", bad("...i,...i", {square, zeros({3, 2})})),
      raises<ShapeError>("too many axes; got 10 in the output",
                         bad("abcde,fghij->abcdefghij", {zeros(Shape::filled(5, 1)), zeros(Shape::filled(5, 1))})),
      raises<ShapeError>("an intermediate result has too many axes; got 4 operands",
                         bad("abcdefgh,abcijklm,deflmnop,ghijknop->", std::vector<Tensor>(4, zeros(Shape::filled(8, 2))))),
      raises<ShapeError>("too many elements; got shape [2147483648, 2147483648, 2]",
                         bad("i,j,k->ijk", {broadcast_to(zeros({1}), {int64_t{1} << 31}),
                                            broadcast_to(zeros({1}), {int64_t{1} << 31}), zeros({2})})),
  };
  return rows;
}

Array affine(const Arrays& in) {
  Shape shape = in[0].shape;
  shape[shape.ndim() - 1] = in[1].shape[1];
  return build(shape, [&](Shape at) {
    const int64_t unit = at.back();
    double sum = in[2]({unit});
    for (int64_t& k = at[at.ndim() - 1] = 0; k < in[1].shape[0]; ++k) sum += in[0](at) * in[1]({k, unit});
    return sum;
  });
}

std::vector<Row> dense_rows() {
  const auto row = [](std::string name, DenseActivation activation, double (*f)(double)) {
    Row r = product(
        std::move(name), {{2, 3}, {3, 4}, {4}},
        [activation](const std::vector<Tensor>& in) { return dense(in[0], in[1], in[2], {.activation = activation}); },
        [f](const Arrays& in) {
          Array y = affine(in);
          for (double& v : y.values) v = f(v);
          return y;
        },
        {{{3}, {3, 2}, {2}}, {{0, 3}, {3, 2}, {2}}, {{2, 0}, {0, 3}, {3}}, {{2, 3}, {3, 0}, {0}}, {{2, 1, 3}, {3, 1}, {1}}});
    r.polynomial = activation == DenseActivation::linear;
    if (!r.polynomial) r.result = floating, r.integers = false;  // booleans add up to true, not to numbers
    return r;
  };
  std::vector<Row> rows{row("dense", DenseActivation::linear, [](double x) { return x; }),
                        row("dense and relu", DenseActivation::relu, [](double x) { return std::max(x, 0.0); }),
                        row("dense and sigmoid", DenseActivation::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }),
                        row("dense and tanh", DenseActivation::tanh, [](double x) { return std::tanh(x); })};
  rows.push_back(product(
      "dense_transposed", {{2, 3}, {4, 3}, {4}},
      [](const std::vector<Tensor>& in) { return dense(in[0], in[1], in[2], {.transposed = true}); },
      [](const Arrays& in) {
        const Array kernel = build({in[1].shape[1], in[1].shape[0]}, [&](const Shape& at) { return in[1]({at[1], at[0]}); });
        return affine({in[0], kernel, in[2]});
      },
      {{{3}, {2, 3}, {2}}, {{0, 3}, {2, 3}, {2}}, {{2, 0}, {3, 0}, {3}}, {{2, 3}, {0, 3}, {0}}, {{2, 1, 3}, {1, 3}, {1}}}));
  rows.back().errors = {raises<ShapeError>(
      "input and kernel do not fit; got [2, 3] and [3, 4], expected [..., in] and [units, in]",
      [] {
        dense(zeros({2, 3}), zeros({3, 4}), zeros({4}), {.transposed = true});
      },
      "dense")};
  const auto bad = [](Shape x, Shape kernel, Shape bias) { return [=] { dense(zeros(x), zeros(kernel), zeros(bias)); }; };
  rows[0].errors = {
      raises<ShapeError>("input and kernel do not fit; got [2, 3] and [2, 4]", bad({2, 3}, {2, 4}, {4})),
      raises<ShapeError>("input and kernel do not fit; got [] and [2, 4]", bad({}, {2, 4}, {4})),
      raises<ShapeError>("expected [..., in] and [in, units]", bad({2}, {2}, {2})),
      raises<ShapeError>("bias does not fit the kernel; got [3], expected [4]", bad({2, 2}, {2, 4}, {3})),
      raises<ShapeError>("bias does not fit the kernel; got [1, 4], expected [4]", bad({2, 2}, {2, 4}, {1, 4})),
  };
  return rows;
}

std::vector<Row> more_product_rows() {
  const auto kron_of = [](const Arrays& in) {
    const int ndim = std::max(in[0].shape.ndim(), in[1].shape.ndim());
    const auto size = [&](const Array& x, int i) { return i + x.shape.ndim() < ndim ? 1 : x.shape[i + x.shape.ndim() - ndim]; };
    Shape shape;
    for (int i = 0; i < ndim; ++i) shape.push_back(size(in[0], i) * size(in[1], i));
    return build(shape, [&](const Shape& at) {
      Shape block = at, inside = at;
      for (int i = 0; i < ndim; ++i) {
        block[i] /= size(in[1], i);
        inside[i] %= size(in[1], i);
      }
      return in[0].broadcast(block) * in[1].broadcast(inside);
    });
  };
  const auto call = [](Tensor (*f)(const Tensor&, const Tensor&)) {
    return [f](const std::vector<Tensor>& in) { return f(in[0], in[1]); };
  };
  std::vector<Row> rows{
      product("dot", {{3}, {3}}, call(dot), einstein({"i", "i"}, ""), {{{0}, {0}}, {{1}, {1}}, {{33}, {33}}}),
      product("inner", {{2, 3}, {4, 3}}, call(inner), einstein({"ik", "jk"}, "ij"), {{{2, 0}, {1, 0}}}),
      product("inner of vectors", {{3}, {3}}, call(inner), einstein({"i", "i"}, "")),
      product("inner of a batch and a vector", {{2, 2, 3}, {3}}, call(inner), einstein({"abi", "i"}, "ab")),
      product("inner of a number and a matrix", {{}, {2, 3}}, call(inner), einstein({"", "ij"}, "ij")),
      product("outer", {{2}, {3}}, call(outer), einstein({"i", "j"}, "ij"), {{{0}, {3}}, {{1}, {1}}}),
      product("outer of matrices", {{2, 2}, {3, 1}}, call(outer),
              [](const Arrays& in) {
                return build({in[0].size(), in[1].size()}, [&](const Shape& at) {
                  return in[0].values[static_cast<size_t>(at[0])] * in[1].values[static_cast<size_t>(at[1])];
                });
              }),
      product("kron", {{2, 3}, {2, 2}}, call(kron), kron_of,
              {{{1, 1}, {2, 0}}, {{2}, {3}}, {{}, {2}}, {{2, 1, 2}, {3}}, {{}, {}}}),
  };
  const Tensor x = zeros({2, 3});
  rows[0].errors = {raises<ShapeError>("not two vectors of one length; got [2] and [3]", [] { dot(zeros({2}), zeros({3})); }),
                    raises<ShapeError>("not two vectors of one length; got [2, 3]", [=] { dot(x, x); })};
  rows[1].errors = {raises<ShapeError>("last axes differ; got [2, 3] and [2]", [=] { inner(x, zeros({2})); })};
  const Tensor wide = broadcast_to(zeros({1}), {int64_t{1} << 32});
  rows[5].errors = {raises<ShapeError>("too many elements; got shape [4294967296, 4294967296]", [=] { outer(wide, wide); })};
  rows[7].errors = {raises<ShapeError>("too many axes; got [1, 1, 1, 1, 1] and [2]",
                                       [] {
                                         kron(zeros({1, 1, 1, 1, 1}), zeros({2}));
                                       }),
                    raises<ShapeError>("too many elements", [=] { kron(wide, wide); })};
  return rows;
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

  for (auto* family : {dense_rows, more_product_rows, einsum_rows})
    for (Row& row : family()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace gradus::test
