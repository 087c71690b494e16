#include "data/example.h"

#include <array>
#include <vector>

#include "autograd/kernels/random.h"
#include "autograd/ops.h"
#include "data/pass.h"

namespace gradus::data {
namespace {

std::array<uint32_t, 4> words(uint64_t a, uint64_t b) {
  return {static_cast<uint32_t>(a), static_cast<uint32_t>(a >> 32), static_cast<uint32_t>(b), static_cast<uint32_t>(b >> 32)};
}

}  // namespace

detail::Pass& detail::PassScope::current() {
  static thread_local Pass pass;
  return pass;
}

random::Generator example_generator(int64_t i) {
  const detail::Pass& pass = detail::PassScope::current();
  const auto seed = words(pass.seed, 0);
  const auto key = kernels::philox(words(pass.epoch, pass.place), {seed[0], seed[1]});
  const auto mixed = kernels::philox(words(static_cast<uint64_t>(i), uint64_t{key[2]} << 32 | key[3]), {key[0], key[1]});
  return random::Generator(uint64_t{mixed[0]} << 32 | mixed[1]);
}

Example Dataset::batch(const Tensor& indices) const {
  std::vector<Tensor> xs, ys;
  for (const int64_t i : indices.to_vector<int64_t>()) {
    Example example = get(i);
    xs.push_back(std::move(example.x));
    if (example.y.defined()) ys.push_back(std::move(example.y));
  }
  return {stack(xs), ys.empty() ? Tensor() : stack(ys)};
}

Example Dataset::range(int64_t begin, int64_t end) const { return batch(arange(begin, end)); }

}  // namespace gradus::data
