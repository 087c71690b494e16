// Every differentiable operation. Each one is a block in autograd/ops/<family>.cpp; all are safe from any thread.
//
// Binary operations take tensors, variables or C++ numbers; a number takes the tensor's dtype (2 * x stays float32), except that
// a float beside an integer tensor makes float32. Tensors of two dtypes meet as in PyTorch's table (see promote). Shapes
// broadcast as in NumPy. ShapeError, DTypeError and ValueError name the operation, what it got and what it expected.
#pragma once

#include <utility>
#include <vector>

#include "autograd/convolution.h"
#include "autograd/linalg.h"
#include "autograd/normalization.h"
#include "autograd/ordering.h"
#include "autograd/rearrange.h"
#include "autograd/tensor.h"
#include "autograd/variable.h"

namespace gradus {

/// An argument that is a tensor or a number. Lives for one call.
class Operand {
 public:
  Operand(const Tensor& tensor) : tensor_(&tensor) {}
  Operand(const Variable& variable) : tensor_(&variable.value()) {}
  template <Number T>
  Operand(T number)
      : kind_(std::same_as<T, bool> ? DType::boolean
              : std::integral<T>    ? DType::int64
                                    : DType::float64),
        floating_(static_cast<double>(number)),
        integer_(std::integral<T> ? static_cast<int64_t>(number) : 0) {}

  const Tensor* tensor() const { return tensor_; }  // null for a number
  DType kind() const { return kind_; }              // of a number: boolean, int64 or float64
  double floating() const { return floating_; }
  int64_t integer() const { return integer_; }

 private:
  const Tensor* tensor_ = nullptr;
  DType kind_ = DType::float64;
  double floating_ = 0;
  int64_t integer_ = 0;
};

// Arithmetic

Tensor add(const Operand& a, const Operand& b);       // a + b
Tensor subtract(const Operand& a, const Operand& b);  // a - b
Tensor multiply(const Operand& a, const Operand& b);  // a * b
/// True division; integers give float32.
Tensor divide(const Operand& a, const Operand& b);
/// a^b. Integers by squaring (ValueError for negative integer exponents). a^0 has gradient 0 in a; where a is 0, d/db is 0 for
/// b >= 0 and -inf for b < 0.
Tensor pow(const Operand& a, const Operand& b);
/// The larger; NaN wins. Ties send half the gradient to each side.
Tensor maximum(const Operand& a, const Operand& b);
/// The smaller; NaN wins. Ties send half the gradient to each side.
Tensor minimum(const Operand& a, const Operand& b);
Tensor negative(const Tensor& x);  // -x
Tensor operator+(const Operand& a, const Operand& b);
Tensor operator-(const Operand& a, const Operand& b);
Tensor operator*(const Operand& a, const Operand& b);
Tensor operator/(const Operand& a, const Operand& b);
Tensor operator-(const Tensor& x);

// Comparison: boolean, no gradient

Tensor operator==(const Operand& a, const Operand& b);
Tensor operator!=(const Operand& a, const Operand& b);
Tensor operator<(const Operand& a, const Operand& b);
Tensor operator<=(const Operand& a, const Operand& b);
Tensor operator>(const Operand& a, const Operand& b);
Tensor operator>=(const Operand& a, const Operand& b);
/// Of booleans; of numbers, which count as true unless 0.
Tensor logical_and(const Operand& a, const Operand& b);
Tensor logical_or(const Operand& a, const Operand& b);
Tensor logical_not(const Tensor& x);

// Pointwise math: integers are computed in float32 unless said otherwise

Tensor abs(const Tensor& x);         // keeps integers; gradient 0 at 0
Tensor sign(const Tensor& x);        // keeps integers; gradient 0
Tensor square(const Tensor& x);      // keeps integers
Tensor sqrt(const Tensor& x);        // gradient inf at 0
Tensor rsqrt(const Tensor& x);       // 1 / sqrt(x)
Tensor reciprocal(const Tensor& x);  // 1 / x
Tensor cbrt(const Tensor& x);        // gradient inf at 0
Tensor exp(const Tensor& x);         // e^x
Tensor exp2(const Tensor& x);        // 2^x
Tensor expm1(const Tensor& x);       // e^x - 1, exact near 0
Tensor log(const Tensor& x);         // natural; -inf at 0, NaN below
Tensor log2(const Tensor& x);        // exact for powers of two
Tensor log10(const Tensor& x);       // to base 10
Tensor log1p(const Tensor& x);       // log(1 + x), exact near 0
Tensor sin(const Tensor& x);         // of radians
Tensor cos(const Tensor& x);         // of radians
Tensor tan(const Tensor& x);         // of radians
Tensor asin(const Tensor& x);        // NaN beyond 1; gradient inf at -1 and 1
Tensor acos(const Tensor& x);        // NaN beyond 1; gradient -inf at -1 and 1
Tensor atan(const Tensor& x);        // in (-pi/2, pi/2)
/// The angle of the point (x, y), in [-pi, pi]. Gradient 0 at the origin.
Tensor atan2(const Operand& y, const Operand& x);
/// sqrt(a^2 + b^2) without overflow; inf if either is infinite. Gradient 0 at the origin.
Tensor hypot(const Operand& a, const Operand& b);
Tensor sinh(const Tensor& x);    // (e^x - e^-x) / 2
Tensor cosh(const Tensor& x);    // (e^x + e^-x) / 2
Tensor tanh(const Tensor& x);    // sinh(x) / cosh(x)
Tensor asinh(const Tensor& x);   // inverse of sinh
Tensor acosh(const Tensor& x);   // NaN below 1
Tensor atanh(const Tensor& x);   // NaN beyond 1
Tensor erf(const Tensor& x);     // 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x
Tensor erfc(const Tensor& x);    // 1 - erf(x), exact in its tail
Tensor lgamma(const Tensor& x);  // log |Gamma(x)|
/// The derivative of lgamma: -inf at 0, NaN at the negative integers.
Tensor digamma(const Tensor& x);
/// The derivative of this order (0 to 100, else ValueError) of digamma.
Tensor polygamma(int order, const Tensor& x);
/// log(e^a + e^b) without overflow. Equal infinities share the gradient.
Tensor logaddexp(const Operand& a, const Operand& b);
/// x log(y); 0 where x is 0 unless y is NaN, with gradient 0 where y is 0 or less.
Tensor xlogy(const Operand& x, const Operand& y);
Tensor floor(const Tensor& x);  // gradient 0; keeps integers
Tensor ceil(const Tensor& x);   // gradient 0; keeps integers
Tensor round(const Tensor& x);  // half to even; gradient 0; keeps integers
Tensor trunc(const Tensor& x);  // toward 0; gradient 0; keeps integers
/// What remains of a / b, with the sign of a; exact. Keeps integers (ValueError for a divisor 0). Gradient in b: -trunc(a / b).
Tensor fmod(const Operand& a, const Operand& b);
/// The same with the sign of b (NumPy's remainder, Python's %). Gradient in b: -floor(a / b).
Tensor remainder(const Operand& a, const Operand& b);
Tensor isnan(const Tensor& x);     // boolean, as the next two; no gradient
Tensor isinf(const Tensor& x);     // of either sign
Tensor isfinite(const Tensor& x);  // neither NaN nor infinite; true for integers
/// `condition` is boolean; both branches are evaluated, gradients flow to the chosen one.
Tensor where(const Tensor& condition, const Operand& a, const Operand& b);
/// x held to [low, high]; the gradient is 1 on and between the bounds. ValueError for low > high.
Tensor clip(const Tensor& x, double low, double high);

// Activations

Tensor relu(const Tensor& x);                            // max(x, 0); gradient 0 at 0, 1 at NaN
Tensor leaky_relu(const Tensor& x, double slope = 0.2);  // x < 0: slope * x. Keras' default slope; PyTorch's is 0.01
Tensor elu(const Tensor& x, double alpha = 1);           // x < 0: alpha * (e^x - 1)
Tensor selu(const Tensor& x);                            // Klambauer et al. 2017
Tensor gelu(const Tensor& x, bool approximate = false);  // x * Phi(x); approximate: the tanh form. Hendrycks and Gimpel 2016
Tensor silu(const Tensor& x);                            // x * sigmoid(x)
Tensor softplus(const Tensor& x);                        // log(1 + e^x) without overflow
Tensor sigmoid(const Tensor& x);                         // 1 / (1 + e^-x)
Tensor log_sigmoid(const Tensor& x);                     // log(sigmoid(x)) without underflow
Tensor gaussian(const Tensor& x);                        // e^(-x^2)

// Reductions: over all axes unless some are given; keepdims leaves them with size 1

Tensor sum(const Tensor& x, const Axes& axes = {}, bool keepdims = false);   // integers and booleans: int64
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdims = false);  // of nothing: NaN
Tensor prod(const Tensor& x, const Axes& axes = {}, bool keepdims = false);  // integers and booleans: int64
/// Ties share the gradient equally. ShapeError over an empty axis.
Tensor max(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
Tensor min(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
/// Variance over n - correction elements (0: of the population, NumPy's and Keras' default; 1: of a sample).
Tensor var(const Tensor& x, const Axes& axes = {}, bool keepdims = false, double correction = 0);
Tensor std(const Tensor& x, const Axes& axes = {}, bool keepdims = false, double correction = 0);
/// log(sum(exp(x))) without overflow; of nothing: -inf.
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
/// Index (int64) of the first largest / smallest element along one axis, or in the flattened tensor. NaN counts as
/// largest/smallest.
Tensor argmax(const Tensor& x);
Tensor argmax(const Tensor& x, int64_t axis, bool keepdims = false);
Tensor argmin(const Tensor& x);
Tensor argmin(const Tensor& x, int64_t axis, bool keepdims = false);
Tensor any(const Tensor& x, const Axes& axes = {}, bool keepdims = false);  // boolean: some element is not 0
Tensor all(const Tensor& x, const Axes& axes = {}, bool keepdims = false);  // boolean: no element is 0

// Products

/// NumPy's matmul: 1-D operands are vectors, leading dimensions broadcast. Transposed views are read in place.
Tensor matmul(const Tensor& a, const Tensor& b);
/// What dense() applies in place.
enum class DenseActivation : uint8_t { linear, relu, sigmoid, tanh };
/// How dense() reads its kernel, and what comes after.
struct DenseForm {
  DenseActivation activation = DenseActivation::linear;
  bool transposed = false;  // the kernel is [units, in], as PyTorch keeps it
};
/// activation(x @ kernel + bias) in one buffer: x [..., in], kernel [in, units] or, if `transposed`, [units, in], bias [units].
/// The same as the three operations one by one, with the bias added first. ShapeError unless they fit.
Tensor dense(const Tensor& x, const Tensor& kernel, const Tensor& bias, const DenseForm& form = {});
/// Sum over the last `axes` axes of a and the first of b, or over the listed pairs of axes.
Tensor tensordot(const Tensor& a, const Tensor& b, int64_t axes);
Tensor tensordot(const Tensor& a, const Tensor& b, std::initializer_list<int64_t> axes_a, std::initializer_list<int64_t> axes_b);
/// Einstein summation of any number of operands, explicit ("ij,jk->ik") or implicit ("ij,jk"); repeated letters take diagonals,
/// "..." stands for axes that broadcast, and so does an axis of size 1. The order of the products is chosen by cost: the cheapest
/// of all up to 8 operands, beyond that always the pair that grows the intermediate results least. ValueError for a malformed
/// expression, ShapeError for operands that do not fit it.
Tensor einsum(std::string_view expression, const std::vector<Tensor>& operands);

// Shape: views where strides allow it

/// The same elements in row-major order; one dimension may be -1. ShapeError unless the sizes agree.
Tensor reshape(const Tensor& x, const Shape& shape);
Tensor flatten(const Tensor& x, int64_t first_axis = 0);   // into one axis, from first_axis on
Tensor transpose(const Tensor& x);                         // axes in reverse order
Tensor permute(const Tensor& x, const Shape& axes);        // axis i of the result is axis axes[i] of x
Tensor swapaxes(const Tensor& x, int64_t a, int64_t b);    // two axes change places
Tensor squeeze(const Tensor& x, const Axes& axes = {});    // all axes of size 1, or the given ones (ShapeError if larger)
Tensor expand_dims(const Tensor& x, int64_t axis);         // a new axis of size 1
Tensor broadcast_to(const Tensor& x, const Shape& shape);  // repeated along new axes and axes of size 1
Tensor slice(const Tensor& x, std::initializer_list<Index> index);  // NumPy's basic indexing; see slice.h
Tensor flip(const Tensor& x, const Axes& axes = {});                // in reverse order along the axes

// Joining and indexing

Tensor concat(const std::vector<Tensor>& tensors, int64_t axis = 0);  // along an axis they have; the other sizes agree
Tensor stack(const std::vector<Tensor>& tensors, int64_t axis = 0);   // along a new axis; all sizes agree
/// `parts` equal parts (ShapeError unless the axis divides), or parts of the given sizes. Views.
std::vector<Tensor> split(const Tensor& x, int64_t parts, int64_t axis = 0);
std::vector<Tensor> split(const Tensor& x, std::initializer_list<int64_t> sizes, int64_t axis = 0);
/// x indexed along one axis by an integer tensor of any shape, which replaces that axis. Negative indices count from the end;
/// ValueError for an index out of range.
Tensor take(const Tensor& x, const Tensor& indices, int64_t axis = 0);
/// Along `axis`, one element per index: out[i][j] = x[i][indices[i][j]] for the last axis. Other dimensions must agree.
Tensor gather(const Tensor& x, const Tensor& indices, int64_t axis = -1);
/// A new last axis of size `depth` with a 1 at the index. ValueError for an index out of [0, depth).
Tensor one_hot(const Tensor& indices, int64_t depth, DType dtype = DType::float32);

// Softmax and cross entropies

Tensor softmax(const Tensor& x, int64_t axis = -1);      // e^x / sum(e^x) along the axis, without overflow
Tensor log_softmax(const Tensor& x, int64_t axis = -1);  // its logarithm, exact where softmax underflows
/// Per row: -log softmax(logits)[label]. logits [..., K] floating, labels [...] integer; ValueError for labels out of [0, K).
Tensor sparse_softmax_cross_entropy(const Tensor& labels, const Tensor& logits);
/// Per row: -sum(targets * log softmax(logits)); targets and logits [..., K].
Tensor softmax_cross_entropy(const Tensor& targets, const Tensor& logits);
/// Per element: -t log sigmoid(z) - (1 - t) log(1 - sigmoid(z)), stable for large |z|.
Tensor sigmoid_cross_entropy(const Tensor& targets, const Tensor& logits);

// Graph

/// x as a constant: no gradient flows through it.
Tensor stop_gradient(const Tensor& x);

}  // namespace gradus
