// Einstein summation, by composition: diagonals are views, letters of one operand are summed, pairs go through one batched
// matmul.
#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "autograd/ops.h"
#include "autograd/ops/einsum_order.h"

namespace gradus {
namespace {

using detail::Letters;

constexpr std::string_view kName = "einsum";

// One per axis. The axes under "..." have the letters '0' to '7', counted so that the last of them is always '7'.
struct Term {
  Tensor value;
  std::string letters;
};
struct Expression {
  std::vector<std::string> inputs;
  std::string output;
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
size_t number(char c) { return static_cast<size_t>(c >= 'a' ? c - 'a' : c >= 'A' ? 26 + c - 'A' : 52 + c - '0'); }
Letters bit(char c) { return Letters{1} << number(c); }
Letters set_of(const std::string& letters) {
  Letters set = 0;
  for (const char c : letters) set |= bit(c);
  return set;
}

[[noreturn]] void fail_character(std::string_view text, char c) {
  fail<ValueError>(kName, "unexpected character; got '", std::string_view(&c, 1), "' in \"", text,
                   "\", expected letters, \"...\", ',' and one \"->\"");
}

// Groups of letters between commas, with '.' for an ellipsis.
std::vector<std::string> groups_of(std::string_view part, std::string_view text, bool commas) {
  std::vector<std::string> groups(1);
  for (size_t i = 0; i < part.size(); ++i) {
    const char c = part[i];
    if (c == ' ') continue;
    if (c == ',' && commas) {
      groups.emplace_back();
    } else if (part.substr(i, 3) == "...") {
      if (groups.back().find('.') != std::string::npos)
        fail<ValueError>(kName, "two ellipses in one group; got \"", text, "\", expected at most one \"...\"");
      groups.back() += '.';
      i += 2;
    } else if (is_letter(c)) {
      groups.back() += c;
    } else {
      fail_character(text, c);
    }
  }
  return groups;
}

// The ellipsis as `axes` letters of its own.
std::string spelled_out(std::string group, int axes) {
  const size_t at = group.find('.');
  if (at == std::string::npos) return group;
  std::string letters;
  for (int i = kMaxRank - axes; i < kMaxRank; ++i) letters += static_cast<char>('0' + i);
  return group.replace(at, 1, letters);
}

Expression parse(std::string_view text, const std::vector<Tensor>& operands) {
  const size_t arrow = text.find("->");
  Expression e{groups_of(text.substr(0, arrow), text, true), {}};
  if (e.inputs.size() != operands.size())
    fail<ValueError>(kName, "one group of letters per operand; got ", e.inputs.size(), " groups and ", operands.size(),
                     " operands, expected as many of both");
  int most = 0;  // axes under an ellipsis
  std::array<int, 64> count{};
  for (size_t k = 0; k < operands.size(); ++k) {
    const bool ellipsis = e.inputs[k].find('.') != std::string::npos;
    const int named = static_cast<int>(e.inputs[k].size()) - ellipsis, rest = operands[k].ndim() - named;
    if (rest < 0 || (rest > 0 && !ellipsis))
      fail<ShapeError>(kName, "one letter per axis; got ", named, " letters in \"", text, "\" for shape ", operands[k].shape(),
                       ", expected ", operands[k].ndim());
    most = std::max(most, rest);
    for (const char c : e.inputs[k])
      if (c != '.') ++count[number(c)];
    e.inputs[k] = spelled_out(e.inputs[k], rest);
  }
  if (arrow == std::string_view::npos) {  // implicit: the ellipsis, then the letters that occur once, in alphabetical order
    e.output = spelled_out(".", most);
    for (const auto& [first, last] : {std::pair{'A', 'Z'}, std::pair{'a', 'z'}})
      for (char c = first; c <= last; ++c)
        if (count[number(c)] == 1) e.output += c;
  } else {
    const std::string output = groups_of(text.substr(arrow + 2), text, false)[0];
    for (size_t i = 0; i < output.size(); ++i)
      if (output[i] != '.' && (count[number(output[i])] == 0 || output.find(output[i], i + 1) != std::string::npos))
        fail<ValueError>(kName, "bad output letter; got '", std::string_view(&output[i], 1), "' in \"", text,
                         "\", expected letters of the inputs, each once");
    if (most > 0 && output.find('.') == std::string::npos)
      fail<ValueError>(kName, "the output drops the ellipsis; got \"", text, "\", expected \"...\" on the right as well");
    e.output = spelled_out(output, most);
  }
  if (e.output.size() > kMaxRank)
    fail<ShapeError>(kName, "too many axes; got ", e.output.size(), " in the output of \"", text, "\", expected at most ",
                     kMaxRank);
  return e;
}

// The size of each letter; 1 gives way to any other.
std::array<int64_t, 64> sizes_of(const Expression& e, const std::vector<Tensor>& operands) {
  std::array<int64_t, 64> size;
  size.fill(1);
  for (size_t k = 0; k < operands.size(); ++k)
    for (int i = 0; i < operands[k].ndim(); ++i) {
      const char c = e.inputs[k][static_cast<size_t>(i)];
      int64_t& known = size[number(c)];
      const int64_t n = operands[k].shape()[i];
      if (known != 1 && n != 1 && known != n) {
        if (is_letter(c))
          fail<ShapeError>(kName, "letter '", std::string_view(&c, 1), "' has two sizes; got ", known, " and ", n,
                           ", expected one, or 1");
        fail<ShapeError>(kName, "axes under \"...\" do not broadcast; got ", known, " and ", n, ", expected equal sizes or 1");
      }
      if (n != 1) known = n;
    }
  return size;
}

// Every letter once, with its full size: repeated ones take the diagonal, axes that broadcast are left to the other operands.
Term simplified(Term t, const std::array<int64_t, 64>& size) {
  for (size_t i = 0; i < t.letters.size();) {
    const size_t j = t.letters.find(t.letters[i], i + 1);
    if (j == std::string::npos) {
      ++i;
      continue;
    }
    const auto a = static_cast<int64_t>(i), b = static_cast<int64_t>(j);
    if (t.value.shape(a) != t.value.shape(b))
      fail<ShapeError>(kName, "letter '", std::string_view(&t.letters[i], 1), "' has two sizes; got ", t.value.shape(a), " and ",
                       t.value.shape(b), " in one operand, expected one");
    t.value = diagonal(t.value, 0, a, b);
    t.letters += t.letters[i];
    t.letters.erase(j, 1).erase(i, 1);
  }
  Shape shape;
  std::string letters;
  for (size_t i = 0; i < t.letters.size(); ++i) {
    const int64_t n = t.value.shape(static_cast<int64_t>(i));
    if (n == 1 && size[number(t.letters[i])] != 1) continue;
    shape.push_back(n);
    letters += t.letters[i];
  }
  return {reshape(t.value, shape), letters};
}

// Sums over the letters that nobody wants, in the dtype of the operand: here integers are not widened.
Term summed(const Term& t, Letters wanted) {
  Shape axes;
  Term out{t.value, {}};
  for (size_t i = 0; i < t.letters.size(); ++i)
    if (wanted & bit(t.letters[i])) out.letters += t.letters[i];
    else axes.push_back(static_cast<int64_t>(i));
  if (axes.ndim() > 0) out.value = sum(t.value, Axes(axes)).astype(t.value.dtype());
  return out;
}

// Axes in the order of these letters.
Tensor in_order(const Term& t, const std::string& letters) {
  Shape order;
  for (const char c : letters) order.push_back(static_cast<int64_t>(t.letters.find(c)));
  return permute(t.value, order);
}

// Letters of both that are wanted make the batch, those that are not are contracted by a matrix product. Where there is nothing
// to contract, or only one dot product per entry of the batch, the operands are multiplied element by element.
Term multiply(const Term& a, const Term& b, Letters wanted, const std::array<int64_t, 64>& size) {
  std::string batch, contracted, left, right;
  for (const char c : a.letters) (b.letters.find(c) == std::string::npos ? left : wanted & bit(c) ? batch : contracted) += c;
  for (const char c : b.letters)
    if (a.letters.find(c) == std::string::npos) right += c;
  const auto shape_of = [&](const std::string& letters, const std::string& ones = {}) {
    Shape shape;
    for (const char c : letters) shape.push_back(ones.find(c) == std::string::npos ? size[number(c)] : 1);
    return shape;
  };
  if (contracted.empty() || (left.empty() && right.empty() && !batch.empty())) {
    const std::string letters = batch + contracted + left + right;
    numel(kName, shape_of(letters));
    const Tensor x = reshape(in_order(a, batch + contracted + left), shape_of(letters, right));
    const Tensor y = reshape(in_order(b, batch + contracted + right), shape_of(letters, left));
    return summed({x * y, letters}, wanted);
  }
  const std::string letters = batch + left + right;
  numel(kName, shape_of(letters));
  const auto count = [&](const std::string& of) { return numel(kName, shape_of(of)); };
  Shape x_shape, y_shape;
  if (!batch.empty()) x_shape.push_back(count(batch)), y_shape.push_back(count(batch));
  x_shape.push_back(count(left)), x_shape.push_back(count(contracted));
  y_shape.push_back(count(contracted)), y_shape.push_back(count(right));
  const Tensor x = reshape(in_order(a, batch + left + contracted), x_shape);
  const Tensor y = reshape(in_order(b, batch + contracted + right), y_shape);
  return {reshape(matmul(x, y), shape_of(letters)), letters};
}

}  // namespace

Tensor einsum(std::string_view expression, const std::vector<Tensor>& operands) {
  if (operands.empty()) fail<ValueError>(kName, "no operands; got 0, expected at least 1");
  const Expression e = parse(expression, operands);
  const std::array<int64_t, 64> size = sizes_of(e, operands);
  Shape shape;
  for (const char c : e.output) shape.push_back(size[number(c)]);
  numel(kName, shape);
  std::vector<Term> terms;
  for (size_t k = 0; k < operands.size(); ++k) terms.push_back(simplified({operands[k], e.inputs[k]}, size));

  detail::Contraction plan{.operands = {}, .output = set_of(e.output), .size = {}, .max_rank = kMaxRank};
  std::array<int, 64> uses{};  // how many of the terms left, and the output, want a letter
  const auto count = [&](const std::string& letters, int by) {
    for (const char c : letters) uses[number(c)] += by;
  };
  const auto wanted = [&] {
    Letters set = 0;
    for (size_t i = 0; i < uses.size(); ++i)
      if (uses[i] > 0) set |= Letters{1} << i;
    return set;
  };
  count(e.output, 1);
  for (const Term& t : terms) count(t.letters, 1);
  for (Term& t : terms) {
    count(t.letters, -1);
    t = summed(t, wanted());
    count(t.letters, 1);
    plan.operands.push_back(set_of(t.letters));
  }
  std::transform(size.begin(), size.end(), plan.size.begin(), [](int64_t n) { return static_cast<double>(n); });

  for (const auto& [i, j] : detail::contraction_order(plan)) {
    const Term a = std::move(terms[i]), b = std::move(terms[j]);
    count(a.letters, -1);
    count(b.letters, -1);
    terms.push_back(multiply(a, b, wanted(), size));
    count(terms.back().letters, 1);
  }
  return in_order(terms.back(), e.output);
}

}  // namespace gradus
