// GradientTape, feature by feature: what is watched, what is recorded, and every form of the question gradient() answers.
#include "tests/autograd/tape_support.h"

#include <cmath>
#include <optional>

namespace gradus {
namespace {

using test::approx;
using test::item;

TEST_CASE("a line has its slope as gradient") {
  Variable x(0.0f);
  GradientTape tape;
  const Tensor y = 2 * x + 3;
  CHECK(y.dtype() == DType::float32);
  CHECK(tape.gradient(y, x).item<float>() == 2);
}

TEST_CASE("a dense layer: the gradients of weights, bias and input") {
  const Tensor x({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}});
  Variable w(Tensor({{1.0, -1.0}, {0.5, 2.0}})), b(Tensor({0.0, 1.0}));
  GradientTape tape;
  tape.watch(x);
  const Tensor y = matmul(x, w) + b;
  auto [dx, dw, db] = tape.gradient(y, x, w, b);
  CHECK((dx.shape() == Shape{3, 2}));
  CHECK(approx(dx, {0, 2.5, 0, 2.5, 0, 2.5}));  // row sums of w
  CHECK((dw.shape() == Shape{2, 2}));
  CHECK(approx(dw, {9, 9, 12, 12}));  // column sums of x
  CHECK((db.shape() == Shape{2}));
  CHECK(approx(db, {3, 3}));  // one per row
}

// What is recorded

TEST_CASE("nothing is recorded without a tape, and only what depends on something watched under one") {
  CHECK(!is_recording());
  Variable w(2.0);
  const Tensor c({1.0, 2.0});
  const Tensor before = w * c;
  GradientTape tape;
  CHECK(is_recording());
  CHECK(tape.recording());
  CHECK(!tape.persistent());
  CHECK(tape.size() == 0);
  const Tensor constant = exp(c) * 2 + before;
  CHECK(tape.size() == 0);
  const Tensor y = w * c;
  CHECK(tape.size() == 1);
  const Tensor z = sum(y + constant);
  CHECK(tape.size() == 3);
  CHECK(item(tape.gradient(z, w)) == 3);
  CHECK(tape.size() == 0);
  CHECK(!tape.recording());
  CHECK(!is_recording());
}

TEST_CASE("a tensor is watched by hand, from then on") {
  const Tensor x(3.0);
  GradientTape tape({.persistent = true});
  const Tensor early = x * x;
  tape.watch(x);
  const Tensor late = x * x, both = early * x;
  CHECK(!tape.gradient(early, x).defined());
  CHECK(item(tape.gradient(late, x)) == 6);
  CHECK(item(tape.gradient(both, x)) == 9);  // early is a constant
  tape.watch(x);                             // once more changes nothing
  CHECK(item(tape.gradient(late, x)) == 6);
  const Tensor alias = x;
  CHECK(item(tape.gradient(late, alias)) == 6);
}

TEST_CASE("watching an intermediate keeps its history") {
  Variable w(3.0);
  GradientTape tape({.persistent = true});
  const Tensor h = w * w;
  tape.watch(h);
  const Tensor y = h * h;
  CHECK(item(tape.gradient(y, h)) == 18);
  CHECK(item(tape.gradient(y, w)) == 108);
}

TEST_CASE("only floating tensors can be watched") {
  GradientTape tape;
  for (const DType dtype : {DType::boolean, DType::uint8, DType::int32, DType::int64}) {
    CAPTURE(std::string(info(dtype).name));
    const Tensor x = zeros({2}, dtype);
    CHECK_THROWS_WITH_AS(tape.watch(x), doctest::Contains(std::string(info(dtype).name).c_str()), DTypeError);
  }
  for (const DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
    const Tensor x = ones({2}, dtype);
    tape.watch(x);
  }
  CHECK_THROWS_AS(tape.watch(Tensor()), ValueError);
  CHECK(tape.recording());
}

TEST_CASE("every floating dtype has gradients of its own dtype") {
  for (const DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
    CAPTURE(std::string(info(dtype).name));
    const Tensor x = full({3}, 1.5, dtype);
    GradientTape tape;
    tape.watch(x);
    const Tensor g = tape.gradient(sum(x * x), x);
    CHECK(g.dtype() == dtype);
    CHECK(approx(g, {3, 3, 3}));
  }
}

TEST_CASE("gradients flow through promotion, back to the dtype of the source") {
  Variable w(2.0f);
  const Tensor c({1.0, 2.0});
  GradientTape tape;
  const Tensor y = w * c;
  CHECK(y.dtype() == DType::float64);
  const Tensor g = tape.gradient(y, w);
  CHECK(g.dtype() == DType::float32);
  CHECK((g.shape() == Shape{}));
  CHECK(item(g) == 3);
}

TEST_CASE("variables watch themselves unless the tape does not want it or they are not trainable") {
  Variable w(2.0), frozen(5.0, {.trainable = false});
  {
    GradientTape tape;
    const Tensor y = w * frozen;
    auto [dw, df] = tape.gradient(y, w, frozen);
    CHECK(item(dw) == 5);
    CHECK(!df.defined());
  }
  {
    GradientTape tape;
    tape.watch(frozen);
    const Tensor y = w * frozen;
    auto [dw, df] = tape.gradient(y, w, frozen);
    CHECK(item(dw) == 5);
    CHECK(item(df) == 2);
  }
  {
    GradientTape tape({.watch_accessed_variables = false});
    const Tensor y = w * w;
    CHECK(tape.size() == 0);
    CHECK(!tape.gradient(y, w).defined());
  }
  {
    Variable v(3.0);
    GradientTape tape({.watch_accessed_variables = false});
    tape.watch(w);
    const Tensor y = w * v * v;
    auto [dw, dv] = tape.gradient(y, w, v);
    CHECK(item(dw) == 9);
    CHECK(!dv.defined());
  }
}

TEST_CASE("each tape of a nest watches in its own way") {
  Variable w(2.0), v(3.0);
  for (const bool outer_watches : {false, true}) {
    for (const bool inner_watches : {false, true}) {
      CAPTURE(outer_watches);
      CAPTURE(inner_watches);
      GradientTape outer({.persistent = true, .watch_accessed_variables = outer_watches});
      GradientTape inner({.persistent = true, .watch_accessed_variables = inner_watches});
      const Tensor y = w * w * v;
      CHECK(outer.gradient(y, w).defined() == outer_watches);
      CHECK(inner.gradient(y, w).defined() == inner_watches);
      outer.watch(w);
      const Tensor z = w * w * v;
      CHECK(item(outer.gradient(z, w)) == 12);
      CHECK(outer.gradient(z, v).defined() == outer_watches);
      CHECK(inner.gradient(z, v).defined() == inner_watches);
    }
  }
}

// Pausing, resetting

TEST_CASE("what happens in a pause is constant") {
  Variable x(3.0);
  GradientTape tape({.persistent = true});
  Tensor y = x * x, paused;
  {
    const auto guard = tape.pause();
    CHECK(!tape.recording());
    CHECK(!is_recording());
    paused = y * x;
    CHECK(tape.size() == 1);
  }
  CHECK(tape.recording());
  const Tensor z = y * paused;
  CHECK(tape.size() == 2);
  CHECK(item(tape.gradient(z, x)) == 27 * 6);
  CHECK(!tape.gradient(paused, x).defined());
}

TEST_CASE("what an outer tape records while the inner one pauses is not the inner's") {
  Variable x(3.0);
  GradientTape outer({.persistent = true}), inner({.persistent = true});
  const Tensor y = x * x;
  Tensor paused;
  {
    const auto guard = inner.pause();
    CHECK(outer.recording());
    CHECK(is_recording());
    paused = y * x;
  }
  const Tensor z = y * paused;
  CHECK(outer.size() == 3);
  CHECK(inner.size() == 2);
  CHECK(item(inner.gradient(z, x)) == 27 * 6);
  CHECK(item(outer.gradient(z, x)) == 5 * 81);
  CHECK(item(inner.gradient(z, paused)) == 9);  // as a source it is as good as any
  CHECK(!inner.gradient(paused, x).defined());
  CHECK(item(outer.gradient(paused, x)) == 27);
}

TEST_CASE("many pauses, some of them empty") {
  Variable x(1.0);
  GradientTape outer({.persistent = true}), inner({.persistent = true});
  Tensor kept = x * 1.0, dropped = x * 1.0;
  for (int i = 0; i < 20; ++i) {
    kept = kept + x;
    const auto guard = inner.pause();
    if (i % 2 == 0) dropped = dropped + x;
  }
  CHECK(inner.size() == 22);
  CHECK(outer.size() == 32);
  const Tensor y = kept + dropped;
  CHECK(item(inner.gradient(y, x)) == 21);
  CHECK(item(outer.gradient(y, x)) == 21 + 11);
}

TEST_CASE("a variable first read in a pause is still watched afterwards") {
  Variable x(3.0);
  GradientTape outer({.persistent = true}), inner({.persistent = true});
  {
    const auto guard = inner.pause();
    CHECK(item(x * x) == 9);
  }
  const Tensor y = x * x;
  CHECK(item(inner.gradient(y, x)) == 6);
  CHECK(item(outer.gradient(y, x)) == 6);
}

TEST_CASE("a pause ends with its scope, by exception too, and nests") {
  Variable x(3.0);
  GradientTape tape;
  try {
    const auto guard = tape.pause();
    fail<ValueError>("test", "thrown on purpose");
  } catch (const ValueError&) {
  }
  CHECK(tape.recording());
  {
    const auto first = tape.pause();
    {
      const auto second = tape.pause();
      CHECK(!tape.recording());
    }
    CHECK(!tape.recording());
  }
  CHECK(tape.recording());
  CHECK(item(tape.gradient(x * x, x)) == 6);
  CHECK_THROWS_AS(tape.pause(), TapeError);  // consumed
}

TEST_CASE("a tape can be asked, reset or consumed while it pauses") {
  Variable x(3.0);
  {
    GradientTape tape({.persistent = true});
    const Tensor y = x * x;
    {
      const auto guard = tape.pause();
      CHECK(item(tape.gradient(y, x)) == 6);
      CHECK(!tape.recording());
    }
    CHECK(item(tape.gradient(y * x, x)) == 27);
  }
  {
    GradientTape tape;
    const Tensor y = x * x;
    const auto guard = tape.pause();
    CHECK(item(tape.gradient(y, x)) == 6);
  }
  CHECK(!is_recording());
  {
    GradientTape tape;
    {
      const auto guard = tape.pause();
      tape.reset();
      CHECK(tape.recording());
    }
    CHECK(tape.recording());
    CHECK(item(tape.gradient(x * x, x)) == 6);
  }
  CHECK(!is_recording());
}

TEST_CASE("NoRecord pauses every open tape") {
  Variable x(3.0);
  GradientTape outer({.persistent = true}), inner({.persistent = true});
  const Tensor y = x * x;
  Tensor hidden;
  {
    const NoRecord guard;
    CHECK(!is_recording());
    hidden = y * x;
    const NoRecord again;
    CHECK(!is_recording());
  }
  CHECK(is_recording());
  CHECK(inner.recording());
  const Tensor z = y * hidden;
  CHECK(outer.size() == 2);
  CHECK(item(inner.gradient(z, x)) == 27 * 6);
  CHECK(item(outer.gradient(z, x)) == 27 * 6);
}

TEST_CASE("a tape opened under NoRecord works, for itself only") {
  Variable x(3.0);
  GradientTape outer;
  Tensor y, dy;
  {
    const NoRecord guard;
    GradientTape tape;
    y = x * x;
    dy = tape.gradient(y, x);
  }
  CHECK(item(dy) == 6);
  const Tensor z = y * dy * x;
  CHECK(item(outer.gradient(z, x)) == 54);  // y and dy are constants to it
}

TEST_CASE("tapes may be consumed, closed and opened under NoRecord, and recording goes on as it should") {
  Variable x(3.0);
  for (int i = 0; i < 3; ++i) {
    GradientTape tape;
    const Tensor y = x * x;
    const NoRecord guard;
    CHECK(item(tape.gradient(y, x)) == 6);
    x.assign_sub(Tensor(0.0));
  }
  CHECK(!is_recording());
  std::optional<GradientTape> tape;
  tape.emplace();
  {
    const NoRecord guard;
    tape.reset();
  }
  CHECK(!is_recording());
  {
    const NoRecord guard;
    tape.emplace();
  }
  CHECK(is_recording());
  CHECK(item(tape->gradient(x * x, x)) == 6);
  CHECK(!is_recording());
}

TEST_CASE("reset forgets everything and starts anew") {
  Variable x(3.0);
  const Tensor t(2.0);
  GradientTape tape({.persistent = true});
  tape.watch(t);
  const Tensor before = x * t;
  tape.reset();
  CHECK(tape.recording());
  CHECK(tape.persistent());
  CHECK(tape.size() == 0);
  const Tensor y = before * x * t;
  CHECK(item(tape.gradient(y, x)) == 12);  // before is a constant now
  CHECK(!tape.gradient(y, t).defined());   // and t no longer watched
}

TEST_CASE("reset revives a consumed tape") {
  Variable x(3.0);
  GradientTape tape;
  for (int i = 0; i < 3; ++i) {
    CHECK(item(tape.gradient(x * x, x)) == 6);
    CHECK(!tape.recording());
    tape.reset();
  }
  CHECK(tape.recording());
}

TEST_CASE("resetting an inner tape leaves the outer one alone") {
  Variable x(3.0);
  GradientTape outer, inner;
  const Tensor y = x * x;
  inner.reset();
  const Tensor z = y * x;
  CHECK(item(inner.gradient(z, x)) == 9);
  CHECK(item(outer.gradient(z, x)) == 27);
}

// How often a tape answers

TEST_CASE("a tape answers once, a persistent one as often as asked") {
  Variable x(3.0);
  {
    GradientTape tape;
    const Tensor y = x * x;
    CHECK(item(tape.gradient(y, x)) == 6);
    CHECK_THROWS_WITH_AS(tape.gradient(y, x), doctest::Contains("persistent = true"), TapeError);
    CHECK_THROWS_WITH_AS(tape.jacobian(y, x), doctest::Contains("persistent = true"), TapeError);
    CHECK_THROWS_AS(tape.watch(y), TapeError);
    CHECK_THROWS_AS(y.backward(), TapeError);
  }
  GradientTape tape({.persistent = true});
  const Tensor y = x * x, z = y * y;
  for (int i = 0; i < 3; ++i) {
    CHECK(item(tape.gradient(y, x)) == 6);
    CHECK(item(tape.gradient(z, x)) == 108);
    CHECK(item(tape.gradient(z, y)) == 18);
  }
  CHECK(tape.recording());
}

TEST_CASE("a tape that is not persistent stops recording when it is asked, a persistent one does not record the answer") {
  Variable x(3.0);
  {
    GradientTape tape;
    const Tensor y = x * x;
    tape.gradient(y, x);
    CHECK(!is_recording());
  }
  GradientTape tape({.persistent = true});
  const Tensor y = x * x * x;
  const int64_t size = tape.size();
  const Tensor dy = tape.gradient(y, x);
  CHECK(tape.size() == size);
  CHECK(item(dy) == 27);
  CHECK(!tape.gradient(dy, x).defined());
  CHECK(item(tape.gradient(dy * x, x)) == 27);  // a constant to this tape
}

TEST_CASE("a rule that throws leaves tapes and recording in order") {
  const auto bad = custom_gradient([](const Tensor& x) {
    return std::pair{x * x, [](const Tensor&) -> Tensor { fail<ValueError>("rule", "thrown on purpose"); }};
  });
  Variable x(3.0);
  {
    GradientTape tape;
    const Tensor y = bad(x);
    CHECK_THROWS_AS(tape.gradient(y, x), ValueError);
    CHECK_THROWS_AS(tape.gradient(y, x), TapeError);  // consumed
  }
  {
    GradientTape tape;
    const Tensor y = bad(x);
    CHECK_THROWS_AS(tape.jacobian(y, x), ValueError);
    CHECK(!tape.recording());
  }
  {
    GradientTape tape;
    const Tensor y = bad(x);
    CHECK_THROWS_AS(y.backward(), ValueError);
    CHECK(!tape.recording());
    CHECK(!x.grad().defined());
  }
  CHECK(!is_recording());
  GradientTape tape({.persistent = true});
  const Tensor good = x * x, y = bad(good) + good;
  for (int i = 0; i < 2; ++i) {
    CHECK_THROWS_AS(tape.gradient(y, x), ValueError);
    CHECK(tape.recording());
    CHECK(item(tape.gradient(good, x)) == 6);
  }
}

TEST_CASE("tapes may close in any order") {
  Variable x(3.0);
  std::optional<GradientTape> first, second;
  first.emplace();
  const Tensor y = x * x;
  second.emplace(TapeOptions{.persistent = true});
  const Tensor z = y * x;
  first.reset();
  CHECK(second->recording());
  CHECK(item(second->gradient(z, x)) == 9);  // y was recorded before it began
  CHECK(item(second->gradient(z, y)) == 3);
  GradientTape third;
  second.reset();
  CHECK(item(third.gradient(z * x, x)) == 27);
  CHECK(!is_recording());
}

}  // namespace
}  // namespace gradus
