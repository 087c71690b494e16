// Variable: a handle on a value that can be replaced, in place exactly when nobody else looks.
#include <cstring>
#include <sstream>
#include <utility>
#include <vector>

#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::approx;
using test::item;

const double* memory_of(const Variable& v) { return v.value().data<double>(); }

TEST_CASE("a variable shows its value, name and options") {
  Variable w(Tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}), {.name = "w"});
  CHECK((w.shape() == Shape{2, 3}));
  CHECK(w.ndim() == 2);
  CHECK(w.size() == 6);
  CHECK(w.dtype() == DType::float64);
  CHECK(w.name() == "w");
  CHECK(w.trainable());
  CHECK(approx(w, {1, 2, 3, 4, 5, 6}));
  CHECK(Variable(2.5).item<double>() == 2.5);
  CHECK(Variable(2.5f).dtype() == DType::float32);
  CHECK(Variable(1.0).name().empty());
  w.set_name("kernel");
  w.set_trainable(false);
  CHECK(w.name() == "kernel");
  CHECK(!w.trainable());
  std::ostringstream from_variable, from_tensor;
  from_variable << w;
  from_tensor << w.value();
  CHECK(from_variable.str() == from_tensor.str());
}

TEST_CASE("a trainable variable is floating; others may hold anything") {
  CHECK_THROWS_WITH_AS(Variable(Tensor({1, 2})), doctest::Contains("trainable = false"), DTypeError);
  CHECK_THROWS_AS(Variable(Tensor(true)), DTypeError);
  Variable steps(Tensor({int64_t{1}, int64_t{2}}), {.trainable = false});
  steps.assign_add(ones({2}, DType::int64));
  CHECK(steps.value().to_vector<int64_t>() == std::vector<int64_t>{2, 3});
  CHECK_THROWS_AS(Variable{Tensor()}, ValueError);
}

TEST_CASE("assign replaces, assign_add and assign_sub add and subtract; deltas broadcast and are converted") {
  Variable w(zeros({2, 3}, DType::float64));
  w.assign(Tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}));
  CHECK(approx(w, {1, 2, 3, 4, 5, 6}));
  w.assign_add(Tensor({10.0, 20.0, 30.0}));
  CHECK(approx(w, {11, 22, 33, 14, 25, 36}));
  w.assign_sub(Tensor({{1.0f}, {2.0f}}));
  CHECK(approx(w, {10, 21, 32, 12, 23, 34}));
  w.assign_sub(w);
  CHECK(approx(w, {0, 0, 0, 0, 0, 0}));
}

TEST_CASE("assignments that do not fit throw and change nothing") {
  Variable w(Tensor({1.0, 2.0}));
  CHECK_THROWS_WITH_AS(w.assign(Tensor({1.0, 2.0, 3.0})), doctest::Contains("[3], expected [2]"), ShapeError);
  CHECK_THROWS_AS(w.assign(Tensor(1.0)), ShapeError);
  CHECK_THROWS_WITH_AS(w.assign(Tensor({1.0f, 2.0f})), doctest::Contains("float32, expected float64"), DTypeError);
  CHECK_THROWS_AS(w.assign_add(zeros({3}, DType::float64)), ShapeError);
  CHECK_THROWS_AS(w.assign_sub(zeros({2, 2}, DType::float64)), ShapeError);  // would grow the variable
  CHECK_THROWS_AS(w.assign(Tensor()), ValueError);
  CHECK_THROWS_AS(w.set_grad(Tensor(1.0)), ShapeError);
  CHECK(approx(w, {1, 2}));
}

TEST_CASE("copies of a handle are one variable; handles can be pointed elsewhere") {
  Variable a(1.0), b(a), c(2.0);
  CHECK(a.same_as(b));
  CHECK(!a.same_as(c));
  CHECK(a.id() == b.id());
  b.assign(Tensor(5.0));
  b.set_name("shared");
  CHECK(item(a) == 5);
  CHECK(a.name() == "shared");
  b = c;
  CHECK(b.same_as(c));
  CHECK(item(a) == 5);
  const void* id = a.id();
  Variable moved(std::move(a));
  CHECK(moved.id() == id);
  CHECK_THROWS_WITH_AS(a.value(), doctest::Contains("moved-from"), ValueError);
  CHECK_THROWS_AS(a.assign(Tensor(1.0)), ValueError);
  CHECK_THROWS_AS(a.name(), ValueError);
  CHECK_THROWS_AS(a.grad(), ValueError);
  a = moved;
  CHECK(item(a) == 5);
  const Variable& self = a;
  a = self;
  CHECK(item(a) == 5);
  std::vector<Variable> list{a, c};
  list.erase(list.begin());
  CHECK(list[0].same_as(c));
}

TEST_CASE("a shared variable has one gradient") {
  Variable a(3.0), b(a);
  GradientTape tape;
  const Tensor y = a * b * b;
  const auto [da, db] = tape.gradient(y, a, b);
  CHECK(item(da) == 27);
  CHECK(item(db) == 27);
}

// Copy on write

TEST_CASE("an update is in place while the variable is alone with its memory") {
  Variable w(Tensor({1.0, 2.0, 3.0}));
  const double* before = memory_of(w);
  for (int i = 0; i < 5; ++i) {
    w.assign_add(Tensor({1.0, 1.0, 1.0}));
    w.assign_sub(Tensor(0.5));
  }
  CHECK(memory_of(w) == before);
  CHECK(&w.writable() == &w.value().impl());
  CHECK(memory_of(w) == before);
  CHECK(approx(w, {3.5, 4.5, 5.5}));
  const Variable handle(w);  // another handle is no other holder
  handle.assign_add(Tensor(1.0));
  CHECK(memory_of(w) == before);
}

TEST_CASE("a tensor keeps the value it was given") {
  const Tensor start({1.0, 2.0});
  Variable w(start);
  w.assign_add(Tensor(10.0));
  CHECK(approx(start, {1, 2}));

  const Tensor snapshot = w;  // the same header
  w.assign_add(Tensor(10.0));
  CHECK(approx(snapshot, {11, 12}));
  const Tensor view = w.value()["1:"];  // another header on the same memory
  w.assign_add(Tensor(10.0));
  CHECK(approx(view, {22}));
  CHECK(approx(snapshot, {11, 12}));
  const Tensor shaped = reshape(w, {2, 1});
  w.assign(Tensor({0.0, 0.0}));
  CHECK(approx(shaped, {31, 32}));

  const Tensor given({7.0, 8.0});
  w.assign(given);
  w.assign_sub(Tensor(1.0));
  CHECK(approx(given, {7, 8}));
  CHECK(approx(w, {6, 7}));
}

TEST_CASE("one copy, then in place again") {
  Variable w(Tensor({1.0, 2.0}));
  const Tensor snapshot = w;
  const double* old = memory_of(w);
  w.assign_add(Tensor(1.0));
  const double* fresh = memory_of(w);
  CHECK(fresh != old);
  CHECK(snapshot.data<double>() == old);
  w.assign_add(Tensor(1.0));
  CHECK(memory_of(w) == fresh);
  CHECK(approx(snapshot, {1, 2}));
  CHECK(approx(w, {3, 4}));
}

TEST_CASE("two variables made of one tensor, or assigned to each other, part ways") {
  const Tensor start({1.0, 2.0});
  Variable a(start), b(start);
  a.assign_add(Tensor(1.0));
  CHECK(approx(b, {1, 2}));
  b.assign(a);
  CHECK(!a.same_as(b));
  b.assign_add(Tensor(1.0));
  a.assign_sub(Tensor(1.0));
  CHECK(approx(a, {1, 2}));
  CHECK(approx(b, {3, 4}));
  CHECK(approx(start, {1, 2}));
}

TEST_CASE("an update by one's own value, or by a view of it") {
  Variable w(Tensor({1.0, 2.0}));
  w.assign_add(w);
  CHECK(approx(w, {2, 4}));
  w.assign_sub(flip(w));
  CHECK(approx(w, {-2, 2}));
  w.assign(w);
  CHECK(approx(w, {-2, 2}));
  w.assign(flip(w));
  CHECK(approx(w, {2, -2}));
  CHECK(w.value().is_contiguous());
}

TEST_CASE("a strided start becomes contiguous") {
  const Tensor m({{1.0, 2.0}, {3.0, 4.0}});
  Variable w(transpose(m));
  CHECK(w.value().is_contiguous());
  CHECK(approx(w, {1, 3, 2, 4}));
  w.assign(transpose(m) * 2);
  w.assign_add(broadcast_to(Tensor(1.0), {2, 2}));
  CHECK(approx(w, {3, 7, 5, 9}));
  Variable wide(broadcast_to(Tensor({1.0}), {3}));
  wide.assign_add(Tensor({0.0, 1.0, 2.0}));
  CHECK(approx(wide, {1, 2, 3}));
}

// Under tapes

TEST_CASE("a tape keeps yesterday's weights") {
  Variable w(Tensor({2.0, 3.0})), v(Tensor({5.0, 7.0}));
  GradientTape tape({.persistent = true});
  const Tensor y = w * v;  // saves both
  const double* old = memory_of(w);
  w.assign(Tensor({100.0, 100.0}));
  v.assign_sub(Tensor(100.0));
  CHECK(memory_of(w) != old);
  const auto [dw, dv] = tape.gradient(y, w, v);
  CHECK(approx(dw, {5, 7}));
  CHECK(approx(dv, {2, 3}));
  CHECK(approx(y, {10, 21}));
}

TEST_CASE("the weights of every use count, each with the value it had") {
  Variable w(2.0);
  GradientTape tape;
  const Tensor a = w * w;
  w.assign(Tensor(5.0));
  const Tensor b = w * w * w;
  CHECK(item(b) == 125);
  CHECK(item(tape.gradient(a + b, w)) == 4 + 75);
}

TEST_CASE("assigning cuts history: what a variable was made of is not its gradient's business") {
  Variable w(2.0), v(3.0);
  GradientTape tape({.persistent = true});
  w.assign(v * v);
  v.assign_add(w * w);
  CHECK(item(w) == 9);
  CHECK(item(v) == 84);
  const Tensor y = w * v;
  CHECK(item(tape.gradient(y, w)) == 84);
  CHECK(item(tape.gradient(y, v)) == 9);
  Variable made(v * 2);
  CHECK(!tape.gradient(made * made, v).defined());
  CHECK(item(tape.gradient(made * made, made)) == 2 * 168);
}

TEST_CASE("assignments are not recorded") {
  Variable w(Tensor({1.0, 2.0}));
  GradientTape tape({.persistent = true});
  const Tensor y = w * w;
  const int64_t size = tape.size();
  w.assign(flip(y));
  const int64_t flipped = tape.size();
  CHECK(flipped == size + 1);  // the flip
  w.assign_add(Tensor({1.0f, 1.0f}));
  w.assign_sub(w);
  CHECK(tape.size() == flipped);
  CHECK(tape.recording());
  CHECK(approx(tape.gradient(y, w), {2, 4}));
}

TEST_CASE("after its tape is consumed a variable is updated in place") {
  Variable w(Tensor({1.0, 2.0, 3.0}));
  const double* before = memory_of(w);
  for (int step = 0; step < 3; ++step) {
    GradientTape tape;
    const Tensor loss = sum(w * w);
    const Tensor g = tape.gradient(loss, w);
    w.assign_sub(0.25 * g);  // the tape is still there, and empty
    CHECK(memory_of(w) == before);
  }
  CHECK(approx(w, {0.125, 0.25, 0.375}));
}

TEST_CASE("a variable outlives its tape, and a tape its variables") {
  Tensor g;
  {
    GradientTape tape;
    Tensor y;
    {
      Variable w(3.0);
      y = w * w;
      tape.watch(y);
    }
    const Tensor z = y * y;
    g = tape.gradient(z, y);
  }
  CHECK(item(g) == 18);
}

TEST_CASE("watched as it is read, a value can be kept by hand") {
  Variable w(3.0);
  GradientTape tape;
  const Tensor& value = w.value();
  const Tensor kept = value;
  w.assign(Tensor(4.0));
  const Tensor y = kept * w;
  CHECK(item(y) == 12);
  CHECK(item(tape.gradient(y, w)) == 7);  // both are values of w
}

}  // namespace
}  // namespace gradus
