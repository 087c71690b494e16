// What the walk gathers for weights that several records share must be what each record gives by itself.
#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "autograd/anomaly.h"
#include "autograd/autograd.h"

namespace gradus::test {
namespace {

Tensor whole_numbers(uint64_t seed, const Shape& shape) {
  random::Generator generator(seed);
  return floor(random::uniform(shape, -4, 4, DType::float64, generator));
}

// A loss in which one weight and one bias are used again and again, with other uses between.
struct Case {
  int64_t steps, rows;
  bool transposed, other_uses;

  Tensor loss(const Variable& w, const Variable& b, uint64_t seed) const {
    Tensor total = zeros({}, DType::float64);
    const Tensor kernel = transposed ? transpose(w) : w.value();
    for (int64_t t = 0; t < steps; ++t) {
      const Tensor x = whole_numbers(seed + static_cast<uint64_t>(t), {rows, 3});
      const Tensor y = t % 3 == 0 ? matmul(x, kernel) : transposed ? dense(x, w, b, {.transposed = true}) : dense(x, kernel, b);
      total = total + sum(y * static_cast<double>(t % 5 - 2));
      if (other_uses && t % 2)
        total = total + sum(kernel) + sum(square(b.value())) + sum(matmul(kernel, ones({2, 1}, DType::float64)));
      if (other_uses && t % 4 == 3) total = total + sum(matmul(expand_dims(x, 0), kernel));  // a stack of one matrix
    }
    return total;
  }
};

}  // namespace

TEST_CASE("gradients of shared weights are the same gathered and one by one") {
  uint64_t seed = 1;
  for (const int64_t steps : {1, 2, 7, 40})
    for (const int64_t rows : {0, 1, 3, 100})  // 40 x 100 rows: more than are gathered at once
      for (const bool transposed : {false, true})
        for (const bool other_uses : {false, true}) {
          const Case c{steps, rows, transposed, other_uses};
          INFO("steps " << steps << ", rows " << rows << ", transposed " << transposed << ", other uses " << other_uses);
          const Variable w(whole_numbers(seed++, transposed ? Shape{2, 3} : Shape{3, 2})), b(whole_numbers(seed++, {2}));
          const auto gradients = [&](bool one_by_one) {
            std::optional<AnomalyMode> mode;
            if (one_by_one) mode.emplace();  // asks every record by itself
            GradientTape tape;
            const Tensor y = c.loss(w, b, seed);
            const auto [dw, db] = tape.gradient(y, w, b);
            return std::vector<Tensor>{dw, steps > 1 || other_uses ? db : Tensor()};
          };
          const std::vector<Tensor> gathered = gradients(false), single = gradients(true);
          CHECK(all(gathered[0] == single[0]).item<bool>());
          CHECK(gathered[1].defined() == single[1].defined());
          if (single[1].defined()) CHECK(all(gathered[1] == single[1]).item<bool>());
          // Recorded by an outer tape: one by one, too.
          GradientTape outer;
          Tensor inner_gradient;
          {
            GradientTape tape;
            inner_gradient = tape.gradient(c.loss(w, b, seed), w);
          }
          CHECK(all(inner_gradient == single[0]).item<bool>());
        }
}

TEST_CASE("what is gathered is one product: it rounds otherwise than a sum of products") {
  random::Generator generator(7);
  const Variable w(random::normal({40, 50}, 0, 1, DType::float32, generator));
  const Tensor x = random::normal({30, 2, 40}, 0, 1, DType::float32, generator);
  const auto gradient = [&](bool one_by_one) {
    std::optional<AnomalyMode> mode;
    if (one_by_one) mode.emplace();
    GradientTape tape;
    Tensor total = zeros({});
    for (int64_t t = 0; t < 30; ++t) total = total + sum(square(matmul(x[t], w)));
    return tape.gradient(total, w);
  };
  const Tensor gathered = gradient(false), single = gradient(true);
  CHECK(max(abs(gathered - single)).item<float>() < 1e-3f * max(abs(single)).item<float>());
  CHECK(!all(gathered == single).item<bool>());
}

TEST_CASE("a shared weight that lies before the tape, and one that is not the only source") {
  const Variable w(whole_numbers(3, {3, 3}));
  const Tensor x = whole_numbers(4, {2, 3});
  GradientTape outer({.persistent = true});
  const Tensor k = w * 2;  // an intermediate result of the outer tape
  GradientTape inner;
  Tensor h = x;
  for (int t = 0; t < 4; ++t) h = matmul(h, k);
  const Tensor y = sum(h);
  const Tensor dk = inner.gradient(y, k), dw = outer.gradient(y, w);
  CHECK(all(dw == dk * 2).item<bool>());
}

}  // namespace gradus::test
