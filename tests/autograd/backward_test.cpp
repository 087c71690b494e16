// backward(): the innermost tape's gradients, added to grad().
#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::approx;
using test::item;

TEST_CASE("backward fills grad") {
  Variable w(3.0), b(1.0), unused(2.0);
  CHECK(!w.grad().defined());
  GradientTape tape;
  const Tensor loss = square(w) + w * b;
  loss.backward();
  CHECK(item(w.grad()) == 7);
  CHECK(item(b.grad()) == 3);
  CHECK(!unused.grad().defined());
  CHECK(!tape.recording());
}

TEST_CASE("backward accumulates, over tapes and over variables' shared handles") {
  Variable w(Tensor({1.0, 2.0}));
  const Variable handle(w);
  for (int i = 1; i <= 3; ++i) {
    GradientTape tape;
    const Tensor loss = sum(w * w);
    loss.backward();
    CHECK(approx(handle.grad(), {2.0 * i, 4.0 * i}));
  }
  const Tensor kept = w.grad();
  w.zero_grad();
  CHECK(!w.grad().defined());
  CHECK(approx(kept, {6, 12}));
  GradientTape tape;
  sum(w * 5).backward();
  CHECK(approx(w.grad(), {5, 5}));
  CHECK(approx(kept, {6, 12}));
}

TEST_CASE("a persistent tape goes backward as often as asked") {
  Variable w(3.0);
  GradientTape tape({.persistent = true});
  const Tensor a = w * w, b = a * w;
  a.backward();
  CHECK(item(w.grad()) == 6);
  b.backward();
  CHECK(item(w.grad()) == 6 + 27);
  b.backward();
  CHECK(item(w.grad()) == 6 + 54);
  CHECK(tape.recording());
  CHECK(item(tape.gradient(b, w)) == 27);  // gradient() does not touch grad()
  CHECK(item(w.grad()) == 60);
}

TEST_CASE("a target with several elements stands for their sum") {
  Variable w(Tensor({1.0, 2.0, 3.0}));
  GradientTape tape;
  (w * w).backward();
  CHECK(approx(w.grad(), {2, 4, 6}));
}

TEST_CASE("set_grad replaces") {
  Variable w(Tensor({1.0, 2.0}));
  w.set_grad(Tensor({10.0, 20.0}));
  CHECK(approx(w.grad(), {10, 20}));
  GradientTape tape;
  sum(w * 3).backward();
  CHECK(approx(w.grad(), {13, 23}));
  w.set_grad(Tensor({1.0, 1.0}));
  CHECK(approx(w.grad(), {1, 1}));
}

TEST_CASE("grad survives assignments") {
  Variable w(3.0);
  {
    GradientTape tape;
    (w * w).backward();
  }
  w.assign(Tensor(5.0));
  CHECK(item(w.grad()) == 6);
  {
    GradientTape tape;
    (w * w).backward();
  }
  CHECK(item(w.grad()) == 16);
}

TEST_CASE("variables that are not trainable get none, unless they are watched; watched tensors get theirs") {
  Variable w(3.0), frozen(2.0, {.trainable = false}), watched(5.0, {.trainable = false});
  const Tensor x(7.0), y(11.0);
  GradientTape tape;
  tape.watch(watched);
  tape.watch(x);
  (w * frozen * watched * x * y).backward();
  CHECK(item(w.grad()) == 2 * 5 * 77);
  CHECK(!frozen.grad().defined());
  CHECK(item(watched.grad()) == 3 * 2 * 77);
  CHECK(item(x.grad()) == 3 * 2 * 5 * 11);
  CHECK(!y.grad().defined());
}

TEST_CASE("a tape that does not watch variables gives them nothing") {
  Variable w(3.0), v(2.0);
  GradientTape outer;  // watches both
  GradientTape tape({.watch_accessed_variables = false});
  tape.watch(v);
  (w * v).backward();
  CHECK(!w.grad().defined());
  CHECK(item(v.grad()) == 3);
  CHECK(outer.recording());
}

TEST_CASE("the innermost tape that recorded it answers") {
  Variable w(3.0);
  GradientTape outer;
  const Tensor early = w * w;
  GradientTape inner;
  const Tensor late = early * w;
  late.backward();
  CHECK(item(w.grad()) == 9);  // early is a constant to the inner tape
  CHECK(!inner.recording());
  CHECK(outer.recording());
  early.backward();
  CHECK(item(w.grad()) == 9 + 6);
  CHECK(!outer.recording());
}

TEST_CASE("what the inner tape paused over belongs to the outer one") {
  Variable w(3.0);
  GradientTape outer, inner;
  Tensor y;
  {
    const auto pause = inner.pause();
    y = w * w;
  }
  y.backward();
  CHECK(item(w.grad()) == 6);
  CHECK(inner.recording());
  CHECK(!outer.recording());
}

TEST_CASE("backward is recorded by outer tapes, so that grad can be differentiated") {
  Variable w(3.0);
  GradientTape outer;
  {
    GradientTape inner;
    (w * w * w).backward();
  }
  {
    GradientTape inner;
    (w * w).backward();
  }
  const Tensor g = w.grad();
  CHECK(item(g) == 27 + 6);
  CHECK(item(outer.gradient(g, w)) == 18 + 2);
}

TEST_CASE("errors of backward") {
  Variable w(3.0);
  CHECK_THROWS_WITH_AS((w * w).backward(), doctest::Contains("no open tape"), TapeError);
  CHECK_THROWS_AS(Tensor().backward(), ValueError);
  Tensor closed;
  {
    GradientTape tape;
    closed = w * w;
  }
  CHECK_THROWS_AS(closed.backward(), TapeError);
  GradientTape tape({.persistent = true});
  CHECK_THROWS_WITH_AS(Tensor(2.0).backward(), doctest::Contains("does not depend on anything watched"), TapeError);
  CHECK_THROWS_AS(closed.backward(), TapeError);
  CHECK_THROWS_WITH_AS(argmax(w).backward(), doctest::Contains("int64"), DTypeError);
  CHECK_THROWS_WITH_AS(stop_gradient(w * w).backward(), doctest::Contains("cut"), TapeError);
  CHECK(!w.grad().defined());
  const Tensor y = w * w;
  {
    const NoRecord pause;
    CHECK_THROWS_AS((y * w).backward(), TapeError);
  }
  y.backward();
  CHECK(item(w.grad()) == 6);
  GradientTape once;
  const Tensor z = w * w;
  z.backward();
  CHECK(item(w.grad()) == 12);
  z.backward();  // consumed, but the persistent tape around it has the record, too
  CHECK(item(w.grad()) == 18);
}

TEST_CASE("a tape of one step cannot go backward twice") {
  Variable w(3.0);
  GradientTape tape;
  const Tensor y = w * w;
  y.backward();
  CHECK_THROWS_WITH_AS(y.backward(), doctest::Contains("persistent"), TapeError);
  CHECK_THROWS_AS(tape.gradient(y, w), TapeError);
  CHECK(item(w.grad()) == 6);
}

}  // namespace
}  // namespace gradus
