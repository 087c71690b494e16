#include "autograd/ops/einsum_order.h"

#include <bit>
#include <limits>

#include "autograd/base/error.h"

namespace gradus::detail {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr size_t kMostOptimal = 8;  // 3^8 splits are looked at in less time than one small product takes

using Order = std::vector<std::pair<size_t, size_t>>;

[[noreturn]] void fail_rank(const Contraction& c) {
  fail<ShapeError>("einsum", "an intermediate result has too many axes; got ", c.operands.size(), " operands, expected at most ",
                   c.max_rank, " axes; sum in several steps");
}

double elements(const Contraction& c, Letters letters) {
  double n = 1;
  for (; letters; letters &= letters - 1) n *= c.size[static_cast<size_t>(std::countr_zero(letters))];
  return n;
}

class Optimal {
 public:
  explicit Optimal(const Contraction& c) : best_(size_t{1} << c.operands.size()), n_(c.operands.size()) {
    const size_t full = best_.size() - 1;
    std::vector<Letters> all(best_.size());  // letters of each subset of operands
    for (size_t set = 1; set <= full; ++set)
      all[set] = all[set & (set - 1)] | c.operands[static_cast<size_t>(std::countr_zero(set))];
    for (size_t set = 1; set <= full; ++set) {
      Subset& best = best_[set];
      best.result = all[set] & (c.output | all[full & ~set]);
      if ((set & (set - 1)) == 0) {
        best.cost = 0;
        continue;
      }
      if (set != full && std::popcount(best.result) > c.max_rank) continue;
      const size_t lowest = set & (~set + 1);
      for (size_t part = (set - 1) & set; part > 0; part = (part - 1) & set) {
        if (!(part & lowest)) continue;  // seen from the other side
        const Subset &a = best_[part], &b = best_[set & ~part];
        if (a.cost == kInfinite || b.cost == kInfinite) continue;
        const double cost = a.cost + b.cost + elements(c, a.result | b.result);
        if (best.part == 0 || cost < best.cost) best.cost = cost, best.part = part;
      }
    }
    if (best_[full].cost == kInfinite && best_[full].part == 0) fail_rank(c);
  }

  Order order() {
    number(best_.size() - 1);
    return std::move(order_);
  }

 private:
  struct Subset {
    Letters result = 0;
    double cost = kInfinite;
    size_t part = 0;  // multiplied with the rest
  };

  size_t number(size_t set) {  // at most 8 levels deep
    if ((set & (set - 1)) == 0) return static_cast<size_t>(std::countr_zero(set));
    const size_t part = best_[set].part, a = number(part), b = number(set & ~part);
    order_.emplace_back(a, b);
    return n_ + order_.size() - 1;
  }

  std::vector<Subset> best_;
  size_t n_;
  Order order_;
};

Order greedy(const Contraction& c) {
  struct Left {
    size_t number;
    Letters letters;
  };
  std::vector<Left> left;
  for (size_t k = 0; k < c.operands.size(); ++k) left.push_back({k, c.operands[k]});
  Order order;
  while (left.size() > 1) {
    Letters once = 0, twice = 0, more = 0;  // letters in at least one, two, three operands
    for (const Left& x : left) {
      more |= twice & x.letters;
      twice |= once & x.letters;
      once |= x.letters;
    }
    size_t best_a = 0, best_b = 0;
    Letters best_result = 0;
    double best_growth = kInfinite, best_cost = kInfinite;
    for (size_t a = 0; a < left.size(); ++a)
      for (size_t b = a + 1; b < left.size(); ++b) {
        const Letters x = left[a].letters, y = left[b].letters;
        const Letters result = (x & y & more) | ((x ^ y) & twice) | ((x | y) & c.output);
        if (left.size() > 2 && std::popcount(result) > c.max_rank) continue;
        const double growth = elements(c, result) - elements(c, x) - elements(c, y), cost = elements(c, x | y);
        if (best_b > 0 && !(growth < best_growth || (growth == best_growth && cost < best_cost))) continue;
        best_a = a, best_b = b, best_result = result, best_growth = growth, best_cost = cost;
      }
    if (best_b == 0) fail_rank(c);
    order.emplace_back(left[best_a].number, left[best_b].number);
    left.erase(left.begin() + static_cast<ptrdiff_t>(best_b));
    left.erase(left.begin() + static_cast<ptrdiff_t>(best_a));
    left.push_back({c.operands.size() + order.size() - 1, best_result});
  }
  return order;
}

}  // namespace

Order contraction_order(const Contraction& contraction) {
  if (contraction.operands.size() < 2) return {};
  return contraction.operands.size() <= kMostOptimal ? Optimal(contraction).order() : greedy(contraction);
}

}  // namespace gradus::detail
