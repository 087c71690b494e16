// A gradient that does not exist says why.
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::contains;
using test::item;
using test::missing_because;

TEST_CASE("a tensor that nobody watches") {
  const Tensor x(2.0);
  Variable w(3.0);
  GradientTape tape;
  CHECK(missing_because(tape.gradient(w * x, x), "not watched"));
}

TEST_CASE("integer sources") {
  const Tensor ids({0, 1});
  Variable w(Tensor({3.0, 4.0}));
  GradientTape tape({.persistent = true});
  const Tensor y = take(w, ids);
  CHECK(missing_because(tape.gradient(y, ids), "int32 has no gradient"));
  CHECK(missing_because(tape.gradient(y, Tensor(true)), "bool has no gradient"));
}

TEST_CASE("integer targets") {
  Variable w(Tensor({3.0, 4.0}));
  GradientTape tape({.persistent = true});
  CHECK(missing_because(tape.gradient(argmax(w), w), "int64 has no gradient"));
  CHECK(missing_because(tape.gradient(w > 3.5, w), "bool has no gradient"));
}

TEST_CASE("operations without a gradient are named") {
  Variable w(Tensor({3.0, 4.0}));
  GradientTape tape({.persistent = true});
  const Tensor c({1.0, 2.0});
  CHECK(missing_because(tape.gradient(stop_gradient(w) * c, w), "cut by stop_gradient"));
  CHECK(missing_because(tape.gradient(exp(stop_gradient(w * 2)), w), "cut by stop_gradient"));
  CHECK(missing_because(tape.gradient(argmax(w).astype(DType::float64) * c, w), "cut by argmax"));
  CHECK(missing_because(tape.gradient(w.value().astype(DType::int32) * c, w), "cut by astype to or from an integer dtype"));
  CHECK(missing_because(tape.gradient((w > c).astype(DType::float64) * c, w), "cut by less"));
  CHECK(missing_because(tape.gradient((w == c).astype(DType::float64), w), "cut by equal"));
  CHECK(missing_because(tape.gradient(where(w > 3.5, c, 0), w), "cut by less"));
  CHECK(missing_because(tape.gradient(logical_not(w > 3.5).astype(DType::float64), w), "cut by less"));
  CHECK(missing_because(tape.gradient(one_hot(w.value().astype(DType::int64), 5), w), "cut by astype"));
}

TEST_CASE("one open path is enough") {
  Variable w(3.0);
  GradientTape tape({.persistent = true});
  CHECK(item(tape.gradient(stop_gradient(w) * w, w)) == 3);
  CHECK(item(tape.gradient(where(w > 1, w, stop_gradient(w)), w)) == 1);
  CHECK(item(tape.gradient(w - stop_gradient(w) + stop_gradient(round(w)), w)) == 1);  // straight through
}

TEST_CASE("recorded before the tape was there") {
  Variable w(3.0);
  const Tensor y = w * w;
  GradientTape tape({.persistent = true});
  CHECK(missing_because(tape.gradient(y, w), "not read while the tape was recording"));
  const Tensor z = w * y;
  CHECK(missing_because(tape.gradient(y, w), "the target was not recorded by this tape"));
  CHECK(missing_because(tape.gradient(z, y), "not watched"));
  CHECK(item(tape.gradient(z, w)) == 9);
}

TEST_CASE("recorded by the outer tape before the inner one began") {
  Variable w(3.0);
  GradientTape outer({.persistent = true});
  const Tensor y = w * w;
  GradientTape inner({.persistent = true});
  CHECK(missing_because(inner.gradient(y, w), "recorded outside this tape"));
  CHECK(missing_because(inner.gradient(y * 2, w), "recorded outside this tape"));
  CHECK(item(outer.gradient(y, w)) == 6);
}

TEST_CASE("recorded while the tape was paused") {
  Variable w(3.0);
  GradientTape outer({.persistent = true}), inner({.persistent = true});
  const Tensor early = w * 1.0;
  Tensor y;
  {
    const auto pause = inner.pause();
    y = early * w;
  }
  CHECK(missing_because(inner.gradient(y, w), "recorded outside this tape"));
  CHECK(missing_because(inner.gradient(exp(y), early), "paused"));
  GradientTape alone({.persistent = true});
  const Tensor z = w * 1.0;
  Tensor hidden;
  {
    const NoRecord pause;
    hidden = z * w;
  }
  CHECK(missing_because(alone.gradient(hidden, w), "the target was not recorded by this tape"));
}

TEST_CASE("recorded by a tape that is gone") {
  Variable w(3.0);
  const Tensor x(2.0);
  Tensor h;
  {
    GradientTape first;
    first.watch(x);
    h = w * x;
  }
  GradientTape tape({.persistent = true});
  const Tensor y = h * w;
  CHECK(missing_because(tape.gradient(y, h), "recorded outside this tape, or the tape has dropped it"));
  CHECK(missing_because(tape.gradient(y, x), "not watched"));
  CHECK(item(tape.gradient(y, w)) == 6);
  tape.reset();
  CHECK(missing_because(tape.gradient(y, w), "not read while the tape was recording"));
  CHECK(missing_because(tape.gradient(w * 2, y), "recorded outside this tape, or the tape has dropped it"));
}

TEST_CASE("recorded on another thread, whose tape is gone") {
  Variable w(3.0);
  Tensor h;
  std::thread([&] {
    GradientTape tape;
    h = w * w;
  }).join();
  GradientTape tape;
  const Tensor y = h * w;
  CHECK(missing_because(tape.gradient(y, h), "another thread"));
}

TEST_CASE("the target does not depend on the source") {
  Variable w(3.0), v(4.0, {.name = "v"});
  GradientTape tape({.persistent = true});
  const Tensor y = w * w, z = v * v;
  CHECK(missing_because(tape.gradient(y, v), "'v': the target does not depend on it"));
  CHECK(missing_because(tape.gradient(y, z), "the target does not depend on it"));
  const Tensor later = y * 2;
  CHECK(missing_because(tape.gradient(y, later), "the target does not depend on it"));  // it is the other way round
  CHECK(missing_because(tape.gradient(std::vector<Tensor>{y, later}, v), "does not depend"));
}

TEST_CASE("variables: not trainable, not watched, not read") {
  Variable frozen(3.0, {.name = "frozen", .trainable = false}), w(2.0, {.name = "w"});
  {
    GradientTape tape;
    CHECK(missing_because(tape.gradient(frozen * w, frozen), "'frozen': the variable is not trainable"));
  }
  {
    GradientTape tape({.watch_accessed_variables = false});
    CHECK(missing_because(tape.gradient(frozen * w, w), "'w': the tape does not watch variables by itself; call watch()"));
  }
  {
    GradientTape tape;
    CHECK(missing_because(tape.gradient(Tensor(1.0), w), "'w': the variable was not read"));
  }
  w.set_trainable(false);
  GradientTape tape;
  CHECK(missing_because(tape.gradient(w * w, w), "not trainable"));
}

TEST_CASE("an undefined source, a rule that gives nothing") {
  Variable w(2.0);
  GradientTape tape({.persistent = true});
  CHECK(missing_because(tape.gradient(w * w, Tensor()), "undefined"));
  CHECK(missing_because(tape.gradient(w * w, Tensor(), {.unconnected = Unconnected::Zero}), "undefined"));
  const auto silent = custom_gradient([](const Tensor& x) { return std::pair{x * 2, [](const Tensor&) { return Tensor(); }}; });
  CHECK(missing_because(tape.gradient(silent(w), w), "rule on the way gave no gradient"));
}

TEST_CASE("in a map, the key names the source") {
  Variable a(2.0, {.name = "own name"});
  const Variable b(3.0);
  GradientTape tape;
  const Tensor y = a * a;
  const auto g = tape.gradient(y, std::map<std::string, Variable>{{"layer/a", a}, {"layer/b", b}});
  CHECK(item(g.at("layer/a")) == 4);
  CHECK(missing_because(g.at("layer/b"), "'layer/b'"));
}

TEST_CASE("using a missing gradient throws, with the reason in the message") {
  Variable w(2.0), far(1.0, {.name = "far"});
  GradientTape tape;
  const Tensor y = w * w + 0 * stop_gradient(far);
  const Tensor g = tape.gradient(y, far);
  CHECK(!g.defined());
  CHECK_THROWS_WITH_AS(g.item<double>(), doctest::Contains("stop_gradient"), ValueError);
  CHECK_THROWS_WITH_AS(g.shape(), doctest::Contains("'far'"), ValueError);
  CHECK_THROWS_AS(g + 1, ValueError);
  CHECK_THROWS_AS(sum(g), ValueError);
  CHECK_THROWS_AS(g.to_vector<double>(), ValueError);
  CHECK_THROWS_AS(w.assign_sub(g), ValueError);
  CHECK(Tensor().missing_reason().empty());
  CHECK(w.value().missing_reason().empty());
}

TEST_CASE("Unconnected::Error says the same") {
  Variable w(2.0);
  GradientTape tape({.persistent = true});
  const GradientOptions strict{.unconnected = Unconnected::Error};
  CHECK_THROWS_WITH_AS(tape.gradient(stop_gradient(w), w, strict), doctest::Contains("stop_gradient"), TapeError);
  CHECK_THROWS_WITH_AS(tape.gradient(w * w, Tensor(1.0), strict), doctest::Contains("call watch()"), TapeError);
}

}  // namespace
}  // namespace gradus
