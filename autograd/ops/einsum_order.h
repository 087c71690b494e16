// In which order to multiply the operands of an Einstein sum.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace gradus::detail {

/// A set of letters, one bit each.
using Letters = uint64_t;

struct Contraction {
  std::vector<Letters> operands;  // each letter is in the output or in another operand
  Letters output = 0;
  std::array<double, 64> size{};  // of each letter
  int max_rank = 8;               // most letters an intermediate result may have
};

/// Pairs to multiply one after the other: operands count from 0, and the result of step s is number operands.size() + s. Up to 8
/// operands the order with the fewest multiplications (dynamic programming over subsets); beyond that always the pair whose
/// result is smallest compared with what it replaces, of equals the one with the fewest multiplications (the greedy rule of Smith
/// and Gray 2018, "opt_einsum"). ShapeError where every order (or the greedy one) passes max_rank.
std::vector<std::pair<std::size_t, std::size_t>> contraction_order(const Contraction& contraction);

}  // namespace gradus::detail
