// gradient(): every form of sources, targets, seeds and answers.
#include "tests/autograd/tape_support.h"

#include <cmath>
#include <map>
#include <vector>

namespace gradus {
namespace {

using test::approx;
using test::item;

TEST_CASE("sources as a braced list of variables, or of tensors") {
  const Variable w(3.0), b(2.0);
  GradientTape tape({.persistent = true});
  const Tensor x = w * 2, y = x * b;
  const std::vector<Tensor> of_variables = tape.gradient(y, {w, b});
  REQUIRE(of_variables.size() == 2);
  CHECK(of_variables[0].item<double>() == 4);
  CHECK(of_variables[1].item<double>() == 6);
  CHECK(tape.gradient(y, {w}).size() == 1);
  CHECK(tape.gradient(y, {x, y})[0].item<double>() == 2);
}

TEST_CASE("sources: one, several, a vector, a map, variables and tensors mixed") {
  Variable a(2.0, {.name = "a"}), b(3.0, {.name = "b"});
  const Tensor c(5.0);
  GradientTape tape({.persistent = true});
  tape.watch(c);
  const Tensor y = a * a * b * c;
  CHECK(item(tape.gradient(y, a)) == 60);
  CHECK(item(tape.gradient(y, c)) == 12);
  const auto [da, dc, db] = tape.gradient(y, a, c, b);
  CHECK(item(da) == 60);
  CHECK(item(dc) == 12);
  CHECK(item(db) == 20);
  const std::vector<Tensor> v = tape.gradient(y, std::vector<Variable>{b, a});
  REQUIRE(v.size() == 2);
  CHECK(item(v[0]) == 20);
  CHECK(item(v[1]) == 60);
  const std::vector<Tensor> t = tape.gradient(y, std::vector<Tensor>{c, a, c});
  REQUIRE(t.size() == 3);
  CHECK(item(t[0]) == 12);
  CHECK(item(t[1]) == 60);
  CHECK(item(t[2]) == 12);
  const auto m = tape.gradient(y, std::map<std::string, Variable>{{"second", b}, {"first", a}});
  REQUIRE(m.size() == 2);
  CHECK(item(m.at("first")) == 60);
  CHECK(item(m.at("second")) == 20);
  const auto n = tape.gradient(y, std::map<std::string, Tensor>{{"c", c}});
  CHECK(item(n.at("c")) == 12);
  CHECK(tape.gradient(y, std::vector<Variable>{}).empty());
  CHECK(tape.gradient(y, std::map<std::string, Variable>{}).empty());
}

TEST_CASE("a source named twice gets its gradient twice") {
  Variable x(3.0);
  GradientTape tape;
  const Tensor y = x * x;
  const auto [first, second] = tape.gradient(y, x, x);
  CHECK(item(first) == 6);
  CHECK(item(second) == 6);
}

TEST_CASE("intermediates are sources as good as any, beside what they are made of") {
  Variable x(2.0);
  GradientTape tape;
  const Tensor h = x * x, k = h * x, y = k * h;
  const auto [dx, dh, dk, dy] = tape.gradient(y, x, h, k, y);
  CHECK(item(dx) == 5 * 16);
  CHECK(item(dh) == 8 + 8);  // k, and h * x through k
  CHECK(item(dk) == 4);
  CHECK(item(dy) == 1);
}

TEST_CASE("the target itself as source has gradient one") {
  const Tensor x({1.0, 2.0});
  Variable w(Tensor({3.0, 4.0}));
  GradientTape tape({.persistent = true});
  tape.watch(x);
  CHECK(approx(tape.gradient(x, x), {1, 1}));
  const Tensor y = x * w;
  CHECK(approx(tape.gradient(y, y), {1, 1}));
  CHECK(approx(tape.gradient(w.value(), w), {1, 1}));
  CHECK(approx(tape.gradient(y, y, {.output_gradients = {Tensor({5.0, 7.0})}}), {5, 7}));
}

TEST_CASE("a target that is not a scalar stands for the sum of its elements") {
  const Tensor x({{1.0, 2.0}, {3.0, 4.0}});
  GradientTape tape({.persistent = true});
  tape.watch(x);
  const Tensor y = x * x;
  CHECK(approx(tape.gradient(y, x), {2, 4, 6, 8}));
  CHECK(approx(tape.gradient(sum(y), x), {2, 4, 6, 8}));
  CHECK(approx(tape.gradient(reshape(y, {1, 4, 1}), x), {2, 4, 6, 8}));
}

TEST_CASE("a tensor without elements has a gradient without elements") {
  const Tensor x = zeros({0, 3}, DType::float64);
  GradientTape tape({.persistent = true});
  tape.watch(x);
  const Tensor y = exp(x) * 2, total = sum(y);
  CHECK((tape.gradient(y, x).shape() == Shape{0, 3}));
  CHECK((tape.gradient(total, x).shape() == Shape{0, 3}));
  CHECK((tape.jacobian(total, x).shape() == Shape{0, 3}));
  CHECK((tape.jacobian(y, x).shape() == Shape{0, 3, 0, 3}));
}

TEST_CASE("several targets: the gradient of the sum of all") {
  Variable x(2.0), w(Tensor({1.0, 2.0, 3.0}));
  GradientTape tape({.persistent = true});
  const Tensor a = x * x, b = x * w, c = a * x;
  const std::vector<Tensor> targets{a, b, c};
  CHECK(item(tape.gradient(targets, x)) == 4 + 6 + 12);
  CHECK(approx(tape.gradient(targets, w), {2, 2, 2}));
  CHECK(item(tape.gradient(std::vector<Tensor>{a, a}, x)) == 8);
  CHECK(item(tape.gradient(std::vector<Tensor>{a, c, a}, x)) == 4 + 12 + 4);
  const std::vector<Tensor> both = tape.gradient(targets, std::vector<Variable>{w, x});
  CHECK(approx(both[0], {2, 2, 2}));
  CHECK(item(both[1]) == 22);
  const std::vector<Tensor> more = tape.gradient(targets, std::vector<Tensor>{a, x});
  CHECK(item(more[0]) == 1 + 2);  // a is a target, and c = a * x
  CHECK(item(more[1]) == 22);
  CHECK(item(tape.gradient(std::vector<Tensor>{a, Tensor(1.0), one_hot(Tensor(1), 3)}, x)) == 4);  // constants add nothing
  CHECK(!tape.gradient(std::vector<Tensor>{}, x).defined());
}

TEST_CASE("output gradients are the seeds, one per target") {
  Variable x(Tensor({1.0, 2.0}));
  GradientTape tape({.persistent = true});
  const Tensor y = x * x, z = sum(x * 3);
  CHECK(approx(tape.gradient(y, x, {.output_gradients = {Tensor({10.0, 100.0})}}), {20, 400}));
  CHECK(approx(tape.gradient({y, z}, x, {.output_gradients = {Tensor({10.0, 100.0}), Tensor(2.0)}}), {26, 406}));
  CHECK(approx(tape.gradient({y, z}, x, {.output_gradients = {Tensor(), Tensor(2.0)}}), {8, 10}));  // undefined: ones
  CHECK(approx(tape.gradient({y, y}, x, {.output_gradients = {Tensor(), Tensor({1.0, 0.0})}}), {4, 4}));
  CHECK(approx(tape.gradient(y, x, {.output_gradients = {Tensor({10.0f, 100.0f})}}), {20, 400}));  // converted
  CHECK(approx(tape.gradient(y, x, {.output_gradients = {Tensor({1, 0})}}), {2, 0}));
  const Tensor seed({{1.0, 0.0}, {2.0, 0.0}});
  CHECK(approx(tape.gradient(y, x, {.output_gradients = {seed.transpose()[0]}}), {2, 8}));  // not contiguous
  CHECK(approx(seed, {1, 0, 2, 0}));
}

TEST_CASE("output gradients that do not fit") {
  Variable x(Tensor({1.0, 2.0}));
  GradientTape tape({.persistent = true});
  const Tensor y = x * x;
  CHECK_THROWS_WITH_AS(tape.gradient(y, x, {.output_gradients = {Tensor({1.0, 2.0, 3.0})}}),
                       doctest::Contains("[3], expected [2]"), ShapeError);
  CHECK_THROWS_AS(tape.gradient(y, x, {.output_gradients = {Tensor(1.0)}}), ShapeError);  // no broadcasting
  CHECK_THROWS_WITH_AS(tape.gradient(y, x, {.output_gradients = {y, y}}), doctest::Contains("got 2, expected 1"), ValueError);
  CHECK_THROWS_AS(tape.gradient({y, y}, x, {.output_gradients = {y}}), ValueError);
  CHECK(approx(tape.gradient(y, x), {2, 4}));
}

TEST_CASE("seeds and gradients do not share memory that anybody writes to") {
  Variable x(Tensor({1.0, 2.0}));
  const Tensor seed({1.0, 10.0});
  GradientTape tape;
  const Tensor y = x + 0.0, z = y + y + x;
  const std::vector<Tensor> g =
      tape.gradient(std::vector<Tensor>{z, y}, std::vector<Tensor>{x, y, z}, {.output_gradients = {seed, seed}});
  CHECK(approx(seed, {1, 10}));
  CHECK(approx(g[0], {4, 40}));
  CHECK(approx(g[1], {3, 30}));
  CHECK(approx(g[2], {1, 10}));
}

TEST_CASE("the gradient of a view shares memory with the gradient of its source until that one grows") {
  Variable x(Tensor({1.0, 2.0}));
  GradientTape tape;
  const Tensor h = x * 1.0, side = h * 5.0, view = reshape(h, {2, 1}), turned = transpose(view);
  const std::vector<Tensor> g = tape.gradient(std::vector<Tensor>{side, turned * 3}, std::vector<Tensor>{x, h, view, turned});
  CHECK(approx(g[0], {8, 8}));
  CHECK(approx(g[1], {8, 8}));
  CHECK(approx(g[2], {3, 3}));
  CHECK(approx(g[3], {3, 3}));
}

TEST_CASE("a gradient, once given, never changes") {
  Variable x(Tensor({1.0, 2.0}));
  GradientTape tape({.persistent = true});
  const Tensor y = x + 1, z = y + x + y;
  const std::vector<Tensor> first = tape.gradient(z, std::vector<Tensor>{x, y, z});
  const std::vector<Tensor> second = tape.gradient(std::vector<Tensor>{z, z}, std::vector<Tensor>{x, y, z});
  CHECK(approx(first[0], {3, 3}));
  CHECK(approx(first[1], {2, 2}));
  CHECK(approx(first[2], {1, 1}));
  CHECK(approx(second[0], {6, 6}));
  CHECK(approx(second[1], {4, 4}));
  CHECK(approx(second[2], {2, 2}));
}

TEST_CASE("sources without a path: undefined, zeros, or an error") {
  Variable x(2.0), far(Tensor({1.0f, 2.0f}), {.name = "far"});
  GradientTape tape({.persistent = true});
  const Tensor y = x * x, other = far * 2;
  CHECK(!tape.gradient(y, far).defined());
  const Tensor zero = tape.gradient(y, far, {.unconnected = Unconnected::Zero});
  CHECK((zero.shape() == Shape{2}));
  CHECK(zero.dtype() == DType::float32);
  CHECK(approx(zero, {0, 0}));
  CHECK_THROWS_WITH_AS(tape.gradient(y, far, {.unconnected = Unconnected::Error}), doctest::Contains("'far'"), TapeError);
  CHECK(item(tape.gradient(y, x, {.unconnected = Unconnected::Error})) == 4);
  const std::vector<Tensor> mixed = tape.gradient(y, std::vector<Variable>{far, x}, {.unconnected = Unconnected::Zero});
  CHECK(approx(mixed[0], {0, 0}));
  CHECK(item(mixed[1]) == 4);
  CHECK_THROWS_AS(tape.gradient(Tensor(1.0), x, {.unconnected = Unconnected::Error}), TapeError);
}

TEST_CASE("an error for an unconnected source consumes the tape like any answer") {
  Variable x(2.0), far(1.0);
  GradientTape tape;
  const Tensor y = x * x;
  CHECK_THROWS_AS(tape.gradient(y, far, {.unconnected = Unconnected::Error}), TapeError);
  CHECK(!tape.recording());
  CHECK(!is_recording());
}

TEST_CASE("a target that was never recorded, or is undefined") {
  Variable x(2.0);
  GradientTape tape({.persistent = true});
  const Tensor y = x * x;
  CHECK(!tape.gradient(Tensor(3.0), x).defined());
  CHECK_THROWS_AS(tape.gradient(Tensor(), x), ValueError);
  const Tensor nothing = tape.gradient(Tensor(3.0), x);
  CHECK_THROWS_WITH_AS(tape.gradient(nothing, x), doctest::Contains("not recorded"), ValueError);  // says why it is undefined
  CHECK(item(tape.gradient(y, x)) == 4);
}

TEST_CASE("create_graph: a persistent tape differentiates its own answers") {
  Variable x(2.0);
  GradientTape tape({.persistent = true});
  const Tensor y = x * x * x * x;
  const Tensor d1 = tape.gradient(y, x, {.create_graph = true});
  const Tensor d2 = tape.gradient(d1, x, {.create_graph = true});
  const Tensor d3 = tape.gradient(d2, x);
  const Tensor d4 = tape.gradient(d3, x);
  CHECK(item(d1) == 32);
  CHECK(item(d2) == 48);
  CHECK(item(d3) == 48);
  CHECK(!d4.defined());  // the third was not recorded
  CHECK(item(tape.gradient(y, x)) == 32);
  GradientTape once;
  const Tensor z = x * x;
  CHECK_THROWS_WITH_AS(once.gradient(z, x, {.create_graph = true}), doctest::Contains("persistent"), TapeError);
  CHECK(item(once.gradient(z, x)) == 4);  // asking wrongly does not consume it
}

TEST_CASE("gradients sum back over every way of broadcasting") {
  const Tensor x({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  Variable scalar(2.0), row(Tensor({1.0, 2.0, 3.0})), column(Tensor({{1.0}, {2.0}})), one(ones({1, 1, 1}, DType::float64));
  GradientTape tape({.persistent = true});
  const Tensor y = x * scalar * row * column * one;
  CHECK((tape.gradient(y, scalar).shape() == Shape{}));
  CHECK(item(tape.gradient(y, scalar)) == 1 + 4 + 9 + 2 * (4 + 10 + 18));
  CHECK((tape.gradient(y, row).shape() == Shape{3}));
  CHECK(approx(tape.gradient(y, row), {2 * (1 + 8), 2 * (2 + 10), 2 * (3 + 12)}));
  CHECK((tape.gradient(y, column).shape() == Shape{2, 1}));
  CHECK(approx(tape.gradient(y, column), {2 * 14, 2 * 32}));
  CHECK((tape.gradient(y, one).shape() == Shape{1, 1, 1}));
  CHECK(item(tape.gradient(y, one)) == 2 * 78);
}

TEST_CASE("the jacobian of a tape: shape of the target and shape of the source") {
  const Tensor x({1.0, 2.0, 3.0});
  Variable w(Tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}));
  GradientTape tape({.persistent = true});
  tape.watch(x);
  const Tensor y = matmul(w, x), s = sin(x), total = sum(y);
  const int64_t size = tape.size();
  const Tensor j = tape.jacobian(y, x);
  CHECK((j.shape() == Shape{2, 3}));
  CHECK(approx(j, {1, 2, 3, 4, 5, 6}));
  const Tensor k = tape.jacobian(y, w);
  CHECK((k.shape() == Shape{2, 2, 3}));
  CHECK(approx(k, {1, 2, 3, 0, 0, 0, 0, 0, 0, 1, 2, 3}));
  CHECK(approx(tape.jacobian(s, x), {std::cos(1.0), 0, 0, 0, std::cos(2.0), 0, 0, 0, std::cos(3.0)}, 1e-12));
  CHECK((tape.jacobian(total, x).shape() == Shape{3}));
  CHECK((tape.jacobian(s, w).shape() == Shape{3, 2, 3}));
  CHECK(approx(tape.jacobian(s, w), std::vector<double>(18, 0.0)));  // no path: zeros
  CHECK(tape.size() == size);
  CHECK(tape.recording());
}

TEST_CASE("the jacobian consumes a tape that is not persistent") {
  Variable x(Tensor({1.0, 2.0}));
  GradientTape tape;
  const Tensor y = x * x;
  CHECK(approx(tape.jacobian(y, x), {2, 0, 0, 4}));
  CHECK(!tape.recording());
  CHECK_THROWS_AS(tape.jacobian(y, x), TapeError);
  CHECK(!is_recording());
}

}  // namespace
}  // namespace gradus
