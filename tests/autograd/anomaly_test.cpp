// AnomalyMode: what is found, what passes, what the message says. Tests stand outside of gradus::, as its users do; compiled with
// -g1.
#include "autograd/anomaly.h"

#include <functional>
#include <limits>
#include <thread>

#include "autograd/fused.h"
#include "nn/nn.h"
#include "tests/autograd/tape_support.h"

using namespace gradus;
using gradus::test::contains;
using gradus::test::InUse;
using gradus::test::item;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

/// The message of the TapeError that f throws; empty if it throws none.
std::string anomaly(const std::function<void()>& f) {
  try {
    f();
  } catch (const TapeError& e) {
    return e.what();
  }
  return "";
}

bool says(const std::string& message, std::initializer_list<std::string> parts) {
  INFO("message: ", message);
  bool all = true;
  for (const std::string& part : parts) {
    INFO("part: ", part);
    const bool found = contains(message, part);
    CHECK(found);
    all = all && found;
  }
  return all;
}

/// The place a message names for a line of this file, as far as the build can know it.
std::string at_line([[maybe_unused]] int line) {
#ifdef GRADUS_TEST_LINES
  return text("anomaly_test.cpp:", line);
#else
  return "";
#endif
}

// A rule of the user's own that overflows.
const auto overflowing =
    custom_gradient([](const Tensor& x) { return std::pair(x, [](const Tensor& g) { return g * 1e300 * 1e300; }); });

}  // namespace

TEST_CASE("the first NaN of the forward pass is named with its inputs and its line") {
  Variable x(Tensor({{1.f, 2.f}, {-1.f, 3.f}}), {.name = "x"});
  int line = 0;
  const std::string message = anomaly([&] {
    const AnomalyMode mode;
    GradientTape tape;
    line = __LINE__ + 1;
    const Tensor y = log(x);
    sum(y * y);
  });
  says(message,
       {"log: first nan in the forward pass; got -1 -> nan at element [1, 0], expected finite values; input 'x' [2, 2] float32",
        at_line(line)});
}

TEST_CASE("an infinity from finite inputs") {
  Variable x(Tensor({1.0, 0.0}));
  const AnomalyMode mode;
  GradientTape tape;
  says(anomaly([&] { 1 / x; }),
       {"divide: first inf in the forward pass; got 1, 0 -> inf at element [1]", "inputs [] float64, [2] float64"});
  says(anomaly([&] { log(x); }), {"log: first inf", "got 0 -> -inf at element [1]"});
  says(anomaly([&] { exp(Tensor(1e4f) * sum(x).astype(DType::float32)); }), {"exp: first inf", "got 10000 -> inf, expected"});
  says(anomaly([&] {
         matmul(ones({1, 2}, DType::float64) * 1e308, reshape(x + 1e308, {2, 1}));
       }),
       {"matmul: first inf", "got inf at element [0, 0]", "inputs [1, 2] float64, [2, 1] float64"});
  const Tensor square = full({2, 2}, 1e200, DType::float64) * reshape(x + 1, {2, 1});
  says(anomaly([&] { matmul(square, square); }), {"matmul: first inf in the forward pass; got inf at element [0, 0], expected"});
  for (const DType dtype : {DType::float16, DType::bfloat16, DType::float32})
    CHECK(contains(anomaly([&] { sqrt((x - 1).astype(dtype)); }), "sqrt: first nan"));
}

TEST_CASE("data that is NaN already is the culprit") {
  Variable w(Tensor({1.f, 2.f}), {.name = "w"}), bad(Tensor({1.f, kNan}), {.name = "bad"});
  const AnomalyMode mode;
  GradientTape tape;
  says(anomaly([&] {
         w* Tensor({{1.f, 1.f}, {kNan, 1.f}});
       }),
       {"multiply: input 1 already contains nan", "got nan at element [1, 0] of the input, expected finite data"});
  says(anomaly([&] { w + bad; }), {"add: input 1 already contains nan", "'bad' [2] float32"});
  says(anomaly([&] { exp(bad); }), {"exp: input 0 already contains nan"});
}

TEST_CASE("infinities that were put in pass, a NaN made from them does not") {
  Variable scores(Tensor({{1.f, 2.f}, {3.f, 4.f}}));
  const AnomalyMode mode;
  GradientTape tape({.persistent = true});
  const Tensor mask({{0.f, -kInf}, {0.f, 0.f}});
  const Tensor weights = softmax(scores + mask);
  const Tensor picked = where(mask < 0, Tensor(-kInf), scores);
  const Tensor g = tape.gradient(sum(square(weights)), scores);
  CHECK(item(g[0][1]) == 0);
  says(anomaly([&] { scores * 0 * mask; }), {"multiply: first nan", "input 1 contains inf"});
}

TEST_CASE("the backward pass: the rule whose gradient is not finite, and where its forward pass was") {
  Variable x(Tensor({4.f, 0.f}), {.name = "x"});
  const AnomalyMode mode;
  int line = 0;
  const std::string inf = anomaly([&] {
    GradientTape tape;
    line = __LINE__ + 1;
    const Tensor root = sqrt(x);
    tape.gradient(sum(root), x);
  });
  says(inf, {"sqrt: gradient of input 0 is inf; got inf at element [1] from g = 1, expected finite values; input [2] float32",
             "the forward pass was ", at_line(line)});
  says(anomaly([&] {
         GradientTape tape;
         tape.gradient(sum(where(x > 1, sqrt(x), x)), x);
       }),
       {"sqrt: gradient of input 0 is nan; got nan at element [1] from g = 0"});
  says(anomaly([&] {
         GradientTape tape;
         sum(sqrt(x)).backward();
       }),
       {"sqrt: gradient of input 0 is inf"});
  says(anomaly([&] {
         GradientTape tape;
         tape.gradient(sum(overflowing(x)), x);
       }),
       {"custom_gradient: gradient of input 0 is inf"});
}

TEST_CASE("seeds and sums of gradients") {
  Variable x(Tensor({1.f, 1.f}), {.name = "x"});
  const AnomalyMode mode;
  GradientTape tape({.persistent = true});
  const Tensor y = x * 2e38f;
  CHECK(contains(anomaly([&] {
                   tape.gradient(y, x, {.output_gradients = {Tensor({1.f, kNan})}});
                 }),
                 "gradient: output gradient 0 already contains nan; got nan at element [1]"));
  CHECK(contains(anomaly([&] {
                   tape.gradient({y, x * 2e38f}, x);
                 }),
                 "gradient: finite gradients that reach 'x' [2] float32 sum up to inf; got inf at element [0]"));
}

TEST_CASE("second order: a gradient that is finite, differentiated") {
  Variable x(0.0);
  const AnomalyMode mode;
  // The first derivative of sqrt(x)^3 is finite at 0 only as a limit; that of x^1.5 is 0, its second is not finite.
  GradientTape outer;
  const Tensor first = [&] {
    GradientTape inner;
    return inner.gradient(pow(x, 1.5), x);
  }();
  CHECK(item(first) == 0);
  const std::string message = anomaly([&] { outer.gradient(first, x); });
  says(message, {"pow: gradient of input 0 is inf"});
}

TEST_CASE("what a rule records is said to be in the gradient of its operation") {
  Variable x(0.0, {.name = "x"});
  const AnomalyMode mode;
  GradientTape outer, inner;
  const Tensor y = sqrt(x);
  says(anomaly([&] { inner.gradient(y, x); }), {"first inf in the gradient of sqrt", "the forward pass was "});
}

TEST_CASE("inside layers the message names the layer, the weights and the user's call") {
  nn::Sequential model{nn::Dense(4, {.activation = nn::relu}), nn::Dense(2)};
  model(ones({1, 3}));
  model.variables()[0].assign(full({3, 4}, 0.3));  // the first layer's outputs are finite, the second's are not
  model.variables()[2].assign(full({4, 2}, 2.0));
  const AnomalyMode mode;
  GradientTape tape;
  int line = 0;
  const std::string message = anomaly([&] {
    line = __LINE__ + 1;
    model(full({1, 3}, 3e38));
  });
  says(message,
       {": first inf in the forward pass", "kernel' [4, 2] float32", "in gradus::nn::Dense::", "called from ", at_line(line)});
}

TEST_CASE("inside a nested tape, and in whatever outer tapes record") {
  Variable x(-1.0);
  GradientTape outer;
  const AnomalyMode mode;
  const Tensor fine = x * 2;
  CHECK(contains(anomaly([&] {
                   GradientTape inner;
                   log(fine);
                 }),
                 "log: first nan"));
  CHECK(item(outer.gradient(fine * fine, x)) == -8);
}

TEST_CASE("after an error the tape goes on as if the operation had not been called") {
  Variable x(Tensor({-1.0, 2.0}));
  const InUse before;
  {
    const AnomalyMode mode;
    GradientTape tape({.persistent = true});
    const Tensor y = x * x;
    const int64_t size = tape.size();
    CHECK_THROWS_AS(log(x), TapeError);
    CHECK_THROWS_AS(fused([](auto v) { return log(v); })(x), TapeError);
    CHECK_THROWS_AS(custom_gradient([](const Tensor& v) { return std::pair(v / 0, [](const Tensor& g) { return g; }); })(x),
                    TapeError);
    CHECK(tape.size() == size);
    CHECK_THROWS_AS(tape.gradient(sum(sqrt(y - 1)), x), TapeError);  // backward: 1 / (2 sqrt(0))
    CHECK(tape.recording());
    CHECK(test::approx(tape.gradient(sum(y), x), {-2, 4}));
  }
  CHECK(InUse() == before);
}

TEST_CASE("off: nothing is checked; nothing is checked that no tape records") {
  Variable x(-1.0);
  const auto slope = [&] {
    GradientTape tape;
    return item(tape.gradient(log(x) + sqrt(x - x), x));
  };
  CHECK(anomaly([&] { slope(); }).empty());
  {
    const AnomalyMode outer;
    {
      const AnomalyMode inner;
      CHECK(!anomaly([&] { slope(); }).empty());
    }
    CHECK(!anomaly([&] { slope(); }).empty());
    CHECK(anomaly([&] { log(x); }).empty());  // no tape
    GradientTape tape;
    CHECK(anomaly([&] { log(Tensor(-1.0)); }).empty());  // a constant
    CHECK(anomaly([&] {
            const NoRecord off;
            log(x);
          }).empty());
  }
  CHECK(anomaly([&] { slope(); }).empty());
}

TEST_CASE("gradients are the same with and without") {
  Variable w(Tensor({{0.5, -1.5}, {2.0, 1.0}}));
  const auto gradient = [&] {
    GradientTape tape;
    const Tensor h = matmul(tanh(w), w.value()["::-1"]);
    Tensor loss = sum(h[0]) + sum(h["1:"] * h["1:"]) + sum(softmax(h));
    for (int i = 0; i < 4; ++i) loss = loss + square(w.value()[i % 2][i / 2]);
    return tape.gradient(loss, w);
  };
  const Tensor plain = gradient();
  const AnomalyMode mode;
  CHECK(test::max_abs_difference(plain, gradient()) < 1e-14);
}

TEST_CASE("each thread has a mode of its own") {
  Variable x(-1.0);
  std::string here, there;
  {
    const AnomalyMode mode;
    std::thread([&] {
      there = anomaly([&] {
        GradientTape tape;
        log(x);
      });
    }).join();
    here = anomaly([&] {
      GradientTape tape;
      log(x);
    });
  }
  CHECK(there.empty());
  CHECK(contains(here, "log: first nan"));

  std::array<std::string, 4> found;
  std::vector<std::thread> threads;
  for (std::string& message : found)
    threads.emplace_back([&] {
      const AnomalyMode mode;
      for (int i = 0; i < 20; ++i)
        message = anomaly([&] {
          GradientTape tape;
          log(x);
        });
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& message : found) CHECK(contains(message, "log: first nan"));
}
