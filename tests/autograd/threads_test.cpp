// Several threads: each with its own tapes, over the same variables and tensors. Written for ThreadSanitizer: plain threads,
// tensors far below the size at which kernels share work, and nothing checked but in the main thread.
#include <atomic>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::approx;
using test::InUse;
using test::item;

// Runs body(0) ... body(n - 1), each on a thread of its own, all at once.
template <class F>
void on_threads(int n, const F& body) {
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < n; ++i)
    threads.emplace_back([&, i] {
      ++ready;
      while (ready < n) std::this_thread::yield();
      body(i);
    });
  for (std::thread& t : threads) t.join();
}

TEST_CASE("threads record over the same variables at once, each with its own answer") {
  Variable w(Tensor({{1.0, 2.0}, {3.0, 4.0}})), b(Tensor({0.5, -0.5}));
  for (const int n : {2, 4}) {
    std::vector<int> right(static_cast<size_t>(n));
    on_threads(n, [&](int i) {
      const double scale = i + 1;
      int count = 0;
      for (int k = 0; k < 100; ++k) {
        const Tensor x({scale, 10.0});
        GradientTape tape;
        const Tensor y = matmul(x, w) * scale + b * b;
        const auto [dw, db] = tape.gradient(y, w, b);
        count += approx(dw, {scale * scale, scale * scale, 10 * scale, 10 * scale}) && approx(db, {1, -1});
      }
      right[static_cast<size_t>(i)] = count;
    });
    for (const int count : right) CHECK(count == 100);
  }
}

TEST_CASE("threads share the first read of fresh variables and the first watch of fresh tensors") {
  int right = 0;
  for (int round = 0; round < 50; ++round) {
    const Variable w(3.0);
    const Tensor x(5.0);
    double dw[2] = {}, dx[2] = {};
    on_threads(2, [&](int i) {
      GradientTape tape;
      tape.watch(x);
      const Tensor y = w * w * x;
      const auto [gw, gx] = tape.gradient(y, w, x);
      dw[i] = item(gw);
      dx[i] = item(gx);
    });
    for (int i = 0; i < 2; ++i) right += dw[i] == 30 && dx[i] == 9;
  }
  CHECK(right == 100);
}

TEST_CASE("nested tapes, custom rules and functional forms on several threads") {
  const Variable w(2.0);
  int right[4] = {};
  on_threads(4, [&](int i) {
    const auto cube = custom_gradient([](const Tensor& x) {
      return std::pair{x * x * x, [x](const Tensor& g) { return g * 3 * x * x; }};
    });
    for (int k = 0; k < 25; ++k) {
      GradientTape outer, inner;
      const Tensor d = inner.gradient(cube(w) * (i + 1), w);
      const Tensor h = hessian([&](const Tensor& x) { return cube(x) * w; }, Tensor(1.0 + i));
      right[i] += item(outer.gradient(d, w)) == 12 * (i + 1) && item(h) == 12 * (1.0 + i);
    }
  });
  for (const int count : right) CHECK(count == 25);
}

TEST_CASE("recording on one thread does not make another one record") {
  Variable w(2.0);
  GradientTape tape;
  const Tensor y = w * w;
  bool recording = true;
  int64_t size = -1;
  std::thread([&] {
    recording = is_recording();
    const Tensor z = w * w * 3;
    GradientTape own;
    size = own.size();
  }).join();
  CHECK(!recording);
  CHECK(size == 0);
  CHECK(tape.size() == 1);
  CHECK(item(tape.gradient(y, w)) == 4);
}

TEST_CASE("a tape is used by its own thread only") {
  Variable w(2.0);
  GradientTape tape({.persistent = true});
  const Tensor y = w * w;
  std::vector<std::string> errors;
  const auto expect_error = [&](const auto& use) {
    try {
      use();
      errors.emplace_back("no error");
    } catch (const TapeError& e) {
      if (!test::contains(e.what(), "thread")) errors.emplace_back(e.what());
    }
  };
  std::string backward;
  std::thread([&] {
    const Tensor x(1.0);
    expect_error([&] { tape.gradient(y, w); });
    expect_error([&] { tape.jacobian(y, w); });
    expect_error([&] { tape.watch(x); });
    expect_error([&] { tape.reset(); });
    expect_error([&] { const auto pause = tape.pause(); });
    try {
      y.backward();
    } catch (const TapeError& e) {
      backward = e.what();
    }
  }).join();
  for (const std::string& e : errors) FAIL_CHECK(e);
  CHECK(test::contains(backward, "no tape of this thread"));
  CHECK(tape.recording());
  CHECK(item(tape.gradient(y, w)) == 4);
}

TEST_CASE("a tensor on another thread's open tape is refused where it would be recorded, and fine as a constant") {
  Variable w(2.0);
  GradientTape tape({.persistent = true});
  const Tensor y = w * w, constant = stop_gradient(y).contiguous();
  std::string error;
  double plain = 0, gradient = 0;
  std::thread([&] {
    plain = item(y * 3);  // nothing is recorded here
    try {
      GradientTape own;
      const Tensor z = y * w;
    } catch (const TapeError& e) {
      error = e.what();
    }
    const Tensor copy(y.to_vector<double>(), y.shape());
    GradientTape own;
    gradient = item(own.gradient(copy * w, w));
  }).join();
  CHECK(plain == 12);
  CHECK(test::contains(error, "another thread"));
  CHECK(gradient == 4);
  CHECK(item(constant) == 4);
}

TEST_CASE("a tensor recorded by a thread that has ended is a constant elsewhere") {
  Variable w(2.0);
  Tensor y;
  std::thread([&] {
    GradientTape tape;
    y = w * w;
  }).join();
  GradientTape tape;
  const Tensor z = y * w;
  CHECK(item(tape.gradient(z, w)) == 4);
}

TEST_CASE("tensors made by one thread and freed by another") {
  const InUse before;
  for (int round = 0; round < 5; ++round) {
    std::vector<Tensor> shared;
    std::thread([&] {
      for (int64_t i = 0; i < 300; ++i) shared.push_back(full({i % 40 + 1, i}, static_cast<double>(i)));
    }).join();
    bool intact = true;
    std::vector<Tensor> halves[2];
    for (size_t i = 0; i < shared.size(); ++i) {
      if (shared[i].size() > 0) intact &= shared[i][-1][-1].item<float>() == static_cast<float>(i);
      halves[i % 2].push_back(std::move(shared[i]));
    }
    CHECK(intact);
    on_threads(2, [&](int i) {
      halves[i].clear();
      for (int64_t k = 0; k < 100; ++k) halves[i].push_back(zeros({k}));
    });
    on_threads(2, [&](int i) { halves[1 - i].clear(); });
  }
  CHECK(before == InUse());
}

TEST_CASE("the last handle of a tensor may fall on any thread") {
  const InUse before;
  for (int round = 0; round < 100; ++round) {
    auto first = std::make_unique<Tensor>(ones({16})), second = std::make_unique<Tensor>((*first)["2:8"]);
    on_threads(2, [&](int i) { (i == 0 ? first : second).reset(); });
  }
  CHECK(before == InUse());
}

TEST_CASE("a thread may end in the middle of recording") {
  const InUse before;
  {
    Variable w(Tensor({1.0, 2.0}));
    std::unique_ptr<GradientTape> tape;
    Tensor y;
    std::thread([&] {
      tape = std::make_unique<GradientTape>(TapeOptions{.persistent = true});
      y = exp(w) * w;
      const Tensor z = y * y;
    }).join();
    CHECK(!tape->recording());
    CHECK(tape->size() == 0);
    CHECK_THROWS_AS(tape->gradient(y, w), TapeError);
    CHECK_THROWS_AS(tape->reset(), TapeError);
    GradientTape here;
    CHECK(item(sum(here.gradient(y * w, w))) == doctest::Approx(std::exp(1) + 2 * std::exp(2)));  // a constant now
    tape.reset();
  }
  CHECK(before == InUse());
}

TEST_CASE("a thread may end by an exception out of a tape") {
  const InUse before;
  Variable w(2.0);
  bool caught = false, recording = true;
  std::thread([&] {
    try {
      GradientTape outer, inner;
      const Tensor y = w * w;
      const auto pause = inner.pause();
      const NoRecord none;
      sum(y, 7);
    } catch (const ShapeError&) {
      caught = true;
      recording = is_recording();
    }
  }).join();
  CHECK(caught);
  CHECK(!recording);
  w = Variable(1.0);
}

TEST_CASE("many short threads leak nothing") {
  Variable w(2.0);
  const InUse before;
  int right = 0;
  for (int i = 0; i < 300; ++i)
    std::thread([&] {
      GradientTape tape;
      right += item(tape.gradient(w * w * i, w)) == 4 * i;
    }).join();
  CHECK(right == 300);
  CHECK(before == InUse());
}

}  // namespace
}  // namespace gradus
