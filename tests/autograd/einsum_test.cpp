// The order in which einsum multiplies its operands, and that it never matters for the result.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <random>
#include <string>

#include "autograd/autograd.h"
#include "autograd/ops/einsum_order.h"
#include "tests/support/reference.h"

namespace gradus::test {
namespace {

using detail::Contraction;
using detail::Letters;

Letters letters(const std::string& text) {
  Letters set = 0;
  for (const char c : text) set |= Letters{1} << (c - 'a');
  return set;
}
Contraction contraction(const std::vector<std::string>& operands, const std::string& output, const std::vector<double>& sizes) {
  Contraction c;
  for (const std::string& s : operands) c.operands.push_back(letters(s));
  c.output = letters(output);
  for (size_t i = 0; i < sizes.size(); ++i) c.size[i] = sizes[i];
  return c;
}

/// Multiplications of an order, played through.
double cost(const Contraction& c) {
  std::vector<Letters> terms = c.operands;
  std::vector<bool> left(terms.size(), true);
  double total = 0;
  for (const auto& [a, b] : detail::contraction_order(c)) {
    REQUIRE(a < terms.size());
    REQUIRE(b < terms.size());
    CHECK((left[a] && left[b] && a != b));
    left[a] = left[b] = false;
    Letters wanted = c.output;
    for (size_t i = 0; i < terms.size(); ++i)
      if (left[i]) wanted |= terms[i];
    double n = 1;
    for (Letters all = terms[a] | terms[b]; all; all &= all - 1) n *= c.size[static_cast<size_t>(std::countr_zero(all))];
    total += n;
    terms.push_back((terms[a] | terms[b]) & wanted);
    left.push_back(true);
  }
  CHECK(std::count(left.begin(), left.end(), true) == 1);
  return total;
}

TEST_CASE("contraction order: the cheapest of all for up to eight operands") {
  // Chains of matrices; the second is the example of Cormen et al., "Introduction to Algorithms", 15.2: 15125 multiplications.
  CHECK(cost(contraction({"ab", "bc", "cd"}, "ad", {10, 100, 5, 50})) == 7500);
  CHECK(cost(contraction({"ab", "bc", "cd", "de", "ef", "fg"}, "ag", {30, 35, 15, 5, 10, 20, 25})) == 15125);
  // A vector at either end makes every step a matrix times a vector.
  CHECK(cost(contraction({"ab", "bc", "cd", "d"}, "a", {8, 8, 8, 8})) == 3 * 64);
  CHECK(cost(contraction({"a", "ab", "bc", "cd"}, "d", {8, 8, 8, 8})) == 3 * 64);
}

TEST_CASE("contraction order: greedy beyond eight operands") {
  std::vector<std::string> chain;
  for (char c = 'a'; c < 'm'; ++c) chain.push_back({c, static_cast<char>(c + 1)});
  chain.push_back("m");
  CHECK(cost(contraction(chain, "a", std::vector<double>(13, 8))) == 12 * 64);
}

TEST_CASE("contraction order: no step passes the rank, or none is offered") {
  Contraction c = contraction({"ab", "cd", "abcd"}, "", {2, 2, 2, 2});
  c.max_rank = 3;
  CHECK(cost(c) == 16 + 4);  // never ab with cd
  c = contraction({"abc", "def", "ghi", "abcdefghi"}, "", std::vector<double>(9, 2));
  c.max_rank = 5;
  CHECK_THROWS_AS(detail::contraction_order(c), ShapeError);
  CHECK(detail::contraction_order(contraction({"a"}, "a", {2})).empty());
}

TEST_CASE("einsum: random expressions of up to eleven operands, against loops") {
  std::mt19937 bits(7);
  const auto below = [&](size_t n) { return bits() % n; };
  for (int trial = 0; trial < 500; ++trial) {
    std::array<int64_t, 6> size;
    for (int64_t& n : size) n = static_cast<int64_t>(1 + below(3));
    std::vector<std::string> inputs(1 + below(11));
    std::vector<Tensor> operands;
    Arrays arrays;
    std::string expression, seen, output;
    for (std::string& letters : inputs) {
      Shape shape;
      for (size_t rank = below(4); rank > 0; --rank) {
        const size_t letter = below(size.size());
        letters += static_cast<char>('a' + letter);
        shape.push_back(size[letter]);
      }
      const Array x = build(shape, [&](const Shape&) { return static_cast<double>(below(17)) / 8 - 1; });
      operands.emplace_back(x.values, x.shape);
      arrays.push_back(x);
      expression += (operands.size() == 1 ? "" : ",") + letters;
      for (const char c : letters)
        if (seen.find(c) == std::string::npos) seen += c;
    }
    for (const char c : seen)
      if (below(2)) output.insert(below(output.size() + 1), 1, c);
    expression += "->" + output;
    CAPTURE(expression);
    const std::vector<double> got = einsum(expression, operands).to_vector<double>();
    const Array want = einstein(inputs, output)(arrays);
    REQUIRE(got.size() == want.values.size());
    double scale = 1, error = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      scale = std::max(scale, std::abs(want.values[i]));
      error = std::max(error, std::abs(got[i] - want.values[i]));
    }
    CHECK(error <= 1e-12 * scale);
  }
}

}  // namespace
}  // namespace gradus::test
