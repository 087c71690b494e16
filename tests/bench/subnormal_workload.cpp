// An Adam step whose second moments have faded to subnormal numbers, inside FlushDenormals. For comparison it also measures the
// same step on ordinary numbers and, outside the scope, on the subnormal ones.
#include <algorithm>
#include <array>
#include <cstdio>

#include "optim/optim.h"
#include "tests/bench/workloads.h"

namespace gradus::bench {
namespace {

constexpr int64_t kSize = 1 << 20;
constexpr int kSteps = 60;

class Training {
 public:
  explicit Training(double gradient) : gradients_{full({kSize}, gradient)}, variables_{Variable(ones({kSize}))} {}

  double step_ns() {
    const double begin = now_ns();
    adam_.apply_gradients(gradients_, variables_);
    return now_ns() - begin;
  }
  double value() const { return variables_[0].value()[0].item<double>(); }

 private:
  std::vector<Tensor> gradients_;
  std::vector<Variable> variables_;
  optim::Adam adam_;
};

}  // namespace

Workload subnormal_update() {
  auto least = std::make_shared<std::array<double, 3>>();  // flushed, ordinary, kept
  return {.unit = "one Adam step on 2^20 elements with gradients of 3e-20, subnormal numbers flushed",
          .rep =
              [=] {
                // Squares of 3e-20, and their thousandths, are subnormal.
                std::array<Training, 3> trainings{Training(3e-20), Training(0.1), Training(3e-20)};
                least->fill(1e18);
                for (int i = 0; i < kSteps; ++i)
                  for (size_t k = 0; k < trainings.size(); ++k) {
                    const FlushDenormals flush(k == 0);
                    (*least)[k] = std::min((*least)[k], trainings[k].step_ns());
                  }
                return trainings[0].value();
              },
          .own_ns = [=] { return (*least)[0]; },
          .extra =
              [=] {
                char text[96];
                std::snprintf(text, sizeof text, ",\"ordinary_ns\":%.0f,\"kept_ns\":%.0f", (*least)[1], (*least)[2]);
                return std::string(text);
              }};
}

}  // namespace gradus::bench
