// Einstein summation, by composition: diagonals by masks, lone letters by sums, pairs by batched matmul.
#include <algorithm>
#include <array>
#include <string>

#include "autograd/ops.h"

namespace gradus {
namespace {

constexpr std::string_view kName = "einsum";

struct Term {
  Tensor value;
  std::string letters;  // one per axis, all different
};

struct Expression {
  std::vector<std::string> inputs;
  std::string output;
};

Expression parse(std::string_view text, size_t operands) {
  Expression e;
  std::array<int, 128> count{};
  std::string_view left = text;
  const size_t arrow = text.find("->");
  if (arrow != std::string_view::npos) left = text.substr(0, arrow);
  e.inputs.emplace_back();
  for (const char c : left) {
    if (c == ' ') continue;
    if (c == ',') {
      e.inputs.emplace_back();
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      e.inputs.back() += c;
      ++count[static_cast<size_t>(c)];
    } else {
      fail<ValueError>(kName, "unexpected character; got '", std::string(1, c), "' in \"", text,
                       "\", expected letters, ',' and '->'");
    }
  }
  if (e.inputs.size() != operands)
    fail<ValueError>(kName, "one group of letters per operand; got ", e.inputs.size(), " groups and ", operands,
                     " operands, expected as many of both");
  if (arrow == std::string_view::npos) {  // implicit: letters that occur once, in alphabetical order
    for (size_t c = 0; c < count.size(); ++c)
      if (count[c] == 1) e.output += static_cast<char>(c);
    return e;
  }
  for (const char c : text.substr(arrow + 2)) {
    if (c == ' ') continue;
    if (c < 0 || count[static_cast<size_t>(c)] == 0 || e.output.find(c) != std::string::npos)
      fail<ValueError>(kName, "bad output letter; got '", std::string(1, c), "' in \"", text,
                       "\", expected letters of the inputs, each once");
    e.output += c;
  }
  return e;
}

// In the dtype of x: here integers are not widened.
Tensor sum_axis(const Tensor& x, size_t i) { return sum(x, static_cast<int64_t>(i)).astype(x.dtype()); }

// Repeated letters: everything off the diagonal is masked away, then one of the two axes is summed out.
Term take_diagonals(Term t) {
  for (size_t i = 0; i < t.letters.size(); ++i)
    for (size_t j = t.letters.find(t.letters[i], i + 1); j != std::string::npos; j = t.letters.find(t.letters[i], i + 1)) {
      const int64_t n = t.value.shape(static_cast<int64_t>(i));
      Shape mask = Shape::filled(t.value.ndim(), 1);
      mask[static_cast<int>(i)] = mask[static_cast<int>(j)] = n;
      const Tensor zero = zeros({}, t.value.dtype());
      t.value = sum_axis(where(reshape(eye(n, n, 0, DType::boolean), mask), t.value, zero), j);
      t.letters.erase(j, 1);
    }
  return t;
}

// Sums out the letters that nothing else wants.
Term sum_out(Term t, const std::string& wanted) {
  for (size_t i = t.letters.size(); i-- > 0;)
    if (wanted.find(t.letters[i]) == std::string::npos) {
      t.value = sum_axis(t.value, i);
      t.letters.erase(i, 1);
    }
  return t;
}

Tensor in_order(const Term& t, const std::string& letters) {
  Shape order;
  for (const char c : letters) order.push_back(static_cast<int64_t>(t.letters.find(c)));
  return permute(t.value, order);
}

int64_t product_of(const Term& t, const std::string& letters) {
  int64_t n = 1;
  for (const char c : letters) n *= t.value.shape(static_cast<int64_t>(t.letters.find(c)));
  return n;
}

// One batched matmul: letters of both that are wanted make the batch, those that are not are contracted.
Term multiply(const Term& a, const Term& b, const std::string& wanted) {
  std::string batch, contracted, left, right;
  for (const char c : a.letters) {
    const bool shared = b.letters.find(c) != std::string::npos, kept = wanted.find(c) != std::string::npos;
    (!shared ? left : kept ? batch : contracted) += c;
  }
  for (const char c : b.letters)
    if (a.letters.find(c) == std::string::npos) right += c;
  const int64_t n_batch = product_of(a, batch), n_left = product_of(a, left), n_sum = product_of(a, contracted);
  const int64_t n_right = product_of(b, right);
  const Tensor x = reshape(in_order(a, batch + left + contracted), {n_batch, n_left, n_sum});
  const Tensor y = reshape(in_order(b, batch + contracted + right), {n_batch, n_sum, n_right});
  Shape shape;
  for (const char c : batch + left) shape.push_back(a.value.shape(static_cast<int64_t>(a.letters.find(c))));
  for (const char c : right) shape.push_back(b.value.shape(static_cast<int64_t>(b.letters.find(c))));
  return {reshape(matmul(x, y), shape), batch + left + right};
}

}  // namespace

Tensor einsum(std::string_view expression, const std::vector<Tensor>& operands) {
  if (operands.empty()) fail<ValueError>(kName, "no operands; got 0, expected at least 1");
  const Expression e = parse(expression, operands.size());
  std::array<int64_t, 128> size;
  size.fill(-1);
  for (size_t k = 0; k < operands.size(); ++k) {
    if (operands[k].ndim() != static_cast<int>(e.inputs[k].size()))
      fail<ShapeError>(kName, "one letter per axis; got \"", e.inputs[k], "\" for shape ", operands[k].shape(), ", expected ",
                       operands[k].ndim(), " letters");
    for (int i = 0; i < operands[k].ndim(); ++i) {
      int64_t& known = size[static_cast<size_t>(e.inputs[k][static_cast<size_t>(i)])];
      if (known >= 0 && known != operands[k].shape()[i])
        fail<ShapeError>(kName, "letter '", std::string(1, e.inputs[k][static_cast<size_t>(i)]), "' has two sizes; got ", known,
                         " and ", operands[k].shape()[i], ", expected one");
      known = operands[k].shape()[i];
    }
  }
  Term total = take_diagonals({operands[0], e.inputs[0]});
  for (size_t k = 1; k <= operands.size(); ++k) {
    std::string wanted = e.output;
    for (size_t later = k; later < operands.size(); ++later) wanted += e.inputs[later];
    total = sum_out(std::move(total), wanted);
    if (k == operands.size()) break;
    Term next = take_diagonals({operands[k], e.inputs[k]});
    std::string later_wanted = e.output;
    for (size_t later = k + 1; later < operands.size(); ++later) later_wanted += e.inputs[later];
    next = sum_out(std::move(next), later_wanted + total.letters);
    total = multiply(total, next, later_wanted);
  }
  return in_order(total, e.output);
}

}  // namespace gradus
