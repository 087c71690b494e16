// checkpoint: the same gradients of every order, the same random numbers, less memory.
#include "autograd/checkpoint.h"

#include <memory>

#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::approx;
using test::contains;
using test::InUse;
using test::item;
using test::max_abs_difference;

Tensor layer(const Tensor& x, const Variable& w) { return tanh(matmul(x, w)); }

TEST_CASE("gradients equal those without, in arguments, variables and captured tensors") {
  const Variable w(random::normal({4, 4}, 0, 1, DType::float64)), v(random::normal({4, 4}, 0, 1, DType::float64));
  const Tensor x = random::normal({3, 4}, 0, 1, DType::float64);
  const auto gradients = [&](bool saving) {
    GradientTape tape;
    tape.watch(x);
    const Tensor before = layer(x, w);  // recorded, and captured below
    const auto block = [&](const Tensor& h) { return layer(h, w) * before + layer(layer(h, v), w); };
    const Tensor y = saving ? checkpoint(block, before * 2) : block(before * 2);
    return tape.gradient(sum(y * y), x, w, v);
  };
  const auto want = gradients(false), got = gradients(true);
  for (size_t k = 0; k < want.size(); ++k) CHECK(max_abs_difference(got[k], want[k]) < 1e-14);
}

TEST_CASE("values, nesting, functions without arguments, constants") {
  const Variable w(2.0), unread(5.0);
  const auto f = [&](const Tensor& x) { return checkpoint([&](const Tensor& y) { return y * w * y; }, x * w); };
  const Tensor x(3.0);
  CHECK(item(checkpoint(f, x)) == 72);  // (x w) w (x w) = x^2 w^3
  GradientTape tape({.persistent = true});
  tape.watch(x);
  const Tensor y = checkpoint(f, x);
  CHECK(item(y) == 72);
  CHECK(item(tape.gradient(y, x)) == 48);
  CHECK(item(tape.gradient(y, w)) == 108);
  CHECK(!tape.gradient(y, unread).defined());
  CHECK(item(tape.gradient(checkpoint([&] { return w * w; }), w)) == 4);
  CHECK(item(tape.gradient(checkpoint([&] { return w.value(); }), w)) == 1);
  CHECK(item(tape.gradient(checkpoint([](const Tensor& t) { return t; }, w * w), w)) == 4);
  const int64_t records = tape.size();
  checkpoint([] { return exp(Tensor(1.0)); });  // depends on nothing that is watched
  CHECK(tape.size() == records);
}

TEST_CASE("derivatives of every order") {
  const auto f = [](const Tensor& x) { return checkpoint([](const Tensor& t) { return t * t * t * t; }, x); };
  const Tensor x(1.5);
  CHECK(item(grad(f)(x)) == doctest::Approx(13.5));
  CHECK(item(grad(grad(f))(x)) == doctest::Approx(27));
  CHECK(item(grad(grad(grad(f)))(x)) == doctest::Approx(36));
  CHECK(item(jvp(f, x, Tensor(2.0)).second) == doctest::Approx(27));
  GradientTape tape({.persistent = true});
  tape.watch(x);
  const Tensor dx = tape.gradient(f(x), x, {.create_graph = true});
  CHECK(item(tape.gradient(dx, x)) == doctest::Approx(27));
}

TEST_CASE("the second run draws what the first drew, and disturbs no generator") {
  random::seed(7);
  random::Generator own(3);
  const Variable w(ones({50}, DType::float64));
  const auto noisy = [&] {
    const Tensor mask = random::bernoulli({50}, 0.5, DType::float64) + random::normal({50}, 0, 1, DType::float64, own);
    return w * mask * checkpoint([&] { return w * random::uniform({50}, 0, 1, DType::float64); });
  };
  GradientTape tape;
  const Tensor y = checkpoint(noisy);
  const uint64_t streams = random::default_generator().stream(), own_streams = own.stream();
  CHECK(streams == 2);
  CHECK(own_streams == 1);
  CHECK(max_abs_difference(tape.gradient(sum(y), w), 2 * y) < 1e-14);  // w = 1: y is the coefficient of w^2
  CHECK(random::default_generator().stream() == streams);
  CHECK(own.stream() == own_streams);
}

TEST_CASE("nothing inside is kept: the memory of one block at a time") {
  constexpr int64_t n = 64 * 1024;
  const auto block = [](const Tensor& h) {
    Tensor y = h;
    for (int i = 0; i < 8; ++i) y = sin(y);
    return y;
  };
  const auto peak = [&](bool saving) {
    const Tensor x = ones({n});
    memory::reset_peak();
    const int64_t before = memory::stats().live_bytes;
    GradientTape tape;
    tape.watch(x);
    Tensor h = x;
    for (int i = 0; i < 8; ++i) h = saving ? checkpoint(block, h) : block(h);
    tape.gradient(sum(h), x);
    return static_cast<double>(memory::stats().peak_bytes - before) / (4 * n);
  };
  const double plain = peak(false), less = peak(true);
  CHECK(plain > 64);  // in blocks of the pool, which are up to a quarter larger than what is asked for
  CHECK(less < 25);   // 8 block inputs, 8 values of the block that runs again, adjoints
}

TEST_CASE("errors: what is thrown leaves nothing behind; a function that does not repeat itself is found out") {
  const InUse before;
  {
    const Variable w(zeros({3}));
    int calls = 0;
    const auto growing = [&] { return concat(std::vector<Tensor>(static_cast<size_t>(++calls), w * 2)); };
    GradientTape tape({.persistent = true});
    CHECK_THROWS_AS(checkpoint([&]() -> Tensor { return matmul(w * w, zeros({2})); }), ShapeError);
    CHECK(tape.size() == 0);
    const Tensor y = checkpoint(growing);
    CHECK_THROWS_WITH_AS(tape.gradient(y, w), doctest::Contains("checkpoint: the function does not repeat itself; got [6]"),
                         TapeError);
    CHECK(tape.recording());
    CHECK(approx(tape.gradient(w * 3, w), {3, 3, 3}));
  }
  CHECK(before == InUse());
  CHECK(!is_recording());
}

}  // namespace
}  // namespace gradus
