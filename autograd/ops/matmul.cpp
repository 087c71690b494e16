// Products: matmul is the primitive, tensordot and einsum are built from it.
#include "autograd/kernels/matmul.h"

#include <array>
#include <span>
#include <utility>

#include "autograd/kernels/copy.h"
#include "autograd/ops/activation.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

// A matrix with rows and columns exchanged, or a stack of them: a header for kernels, which no Tensor holds.
struct Flipped : TensorImpl {
  explicit Flipped(const TensorImpl& x) : TensorImpl(x.dtype, x.shape) {
    data = x.data;
    size = x.size;
    strides = x.strides;
    const auto last = static_cast<size_t>(ndim() - 1);
    std::swap(shape[ndim() - 2], shape[ndim() - 1]);
    std::swap(strides[last - 1], strides[last]);
    contiguous = false;
  }
};

Tensor flipped(const Tensor& x) { return swapaxes(x, -1, -2); }

// Which operands lie in memory column by column, as transposed weights do. Their gradients are made to lie alike: what comes out
// of the transpose again is contiguous, and an optimiser need not copy it.
struct Layouts {
  bool a_flipped, b_flipped;
};

bool lies_flipped(const TensorImpl& x) { return !x.contiguous && x.stride(x.ndim() - 2) == 1; }

// Gradients of products that nobody records need no tensors for the transposed operands.
bool plain(const Tensor& a, const Tensor& b) { return recording_depth == 0 && a.ndim() == 2 && b.ndim() == 2; }

// a @ b as a matrix that lies flipped if asked.
Tensor plain_product(const TensorImpl& a, const TensorImpl& b, bool result_flipped) {
  const int64_t m = a.shape[0], n = b.shape[1];
  Tensor out = empty("matmul", result_flipped ? Shape{n, m} : Shape{m, n}, a.dtype);
  if (!result_flipped) {
    kernels::matmul(*out.ref(), a, b);
    return out;
  }
  kernels::matmul(*out.ref(), Flipped(b), Flipped(a));
  return Tensor(TensorImpl::view(out.impl(), {m, n}, {1, m}, 0));
}

// adjoint += a @ b inside the product; declines where leading dimensions would have to be summed.
bool add_product(const TensorImpl& a, const TensorImpl& b, TensorImpl& adjoint) {
  if (a.ndim() != adjoint.ndim() || b.ndim() != adjoint.ndim()) return false;
  for (int i = 0; i + 2 < adjoint.ndim(); ++i)
    if (a.shape[i] != adjoint.shape[i] || b.shape[i] != adjoint.shape[i]) return false;
  kernels::matmul(adjoint, a, b, true);
  return true;
}

// What a @ b owes a and b; `g` has the shape of the product. Leading dimensions broadcast: the engine sums over them.
constexpr Rule kLeftRule{
    .saves = kIn1,
    .gradient =
        [](const Saved& s, const Tensor& g) {
          const Tensor& b = s.in(1);
          const bool flip = s.attrs<Layouts>().a_flipped;
          if (plain(g, b)) return plain_product(g.impl(), Flipped(b.impl()), flip);
          return flip ? flipped(matmul(b, flipped(g))) : matmul(g, flipped(b));
        },
    .accumulate = [](const Saved& s, const Tensor& g,
                     TensorImpl& adjoint) { return add_product(g.impl(), Flipped(s.in(1).impl()), adjoint); }};
constexpr Rule kRightRule{
    .saves = kIn0,
    .gradient =
        [](const Saved& s, const Tensor& g) {
          const Tensor& a = s.in(0);
          const bool flip = s.attrs<Layouts>().b_flipped;
          if (plain(g, a)) return plain_product(Flipped(a.impl()), g.impl(), flip);
          return flip ? flipped(matmul(flipped(g), a)) : matmul(flipped(a), g);
        },
    .accumulate = [](const Saved& s, const Tensor& g,
                     TensorImpl& adjoint) { return add_product(Flipped(s.in(0).impl()), g.impl(), adjoint); },
    .stacked =
        [](const Saved& s, const Tensor& rows, const Tensor& g, TensorImpl* adjoint) {
          if (!adjoint) return plain_product(Flipped(rows.impl()), g.impl(), s.attrs<Layouts>().b_flipped);
          kernels::matmul(*adjoint, Flipped(rows.impl()), g.impl(), true);
          return Tensor();
        }};

constexpr Op kMatmul{.name = "matmul", .arity = 2, .rules = {{kLeftRule, kRightRule}}, .broadcasts = true};

// x @ kernel + bias of matrices and a vector.
constexpr Rule kBiasRule{.gradient = [](const Saved&, const Tensor& g) { return sum(g, 0); },
                         .stacked = [](const Saved&, const Tensor&, const Tensor& g, TensorImpl*) { return sum(g, 0); }};
constexpr Op kDense{.name = "dense", .arity = 3, .rules = {{kLeftRule, kRightRule, kBiasRule}}};

// The same for a kernel [units, in]: neither it nor its gradient is ever transposed.
constexpr Op kDenseTransposed{
    .name = "dense_transposed",
    .arity = 3,
    .rules = {{{.saves = kIn1,
                .gradient =
                    [](const Saved& s, const Tensor& g) {
                      const Tensor& kernel = s.in(1);
                      const bool flip = s.attrs<Layouts>().a_flipped;
                      if (plain(g, kernel)) return plain_product(g.impl(), kernel.impl(), flip);
                      return flip ? flipped(matmul(flipped(kernel), flipped(g))) : matmul(g, kernel);
                    },
                .accumulate = [](const Saved& s, const Tensor& g,
                                 TensorImpl& adjoint) { return add_product(g.impl(), s.in(1).impl(), adjoint); }},
               {.saves = kIn0,
                .gradient =
                    [](const Saved& s, const Tensor& g) {
                      const Tensor& x = s.in(0);
                      return plain(g, x) ? plain_product(Flipped(g.impl()), x.impl(), false) : matmul(flipped(g), x);
                    },
                .accumulate = [](const Saved& s, const Tensor& g,
                                 TensorImpl& adjoint) { return add_product(Flipped(g.impl()), s.in(0).impl(), adjoint); },
                .stacked =
                    [](const Saved&, const Tensor& rows, const Tensor& g, TensorImpl* adjoint) {
                      if (!adjoint) return plain_product(Flipped(g.impl()), rows.impl(), false);
                      kernels::matmul(*adjoint, Flipped(g.impl()), rows.impl(), true);
                      return Tensor();
                    }},
               kBiasRule}}};

Shape leading(const Shape& shape) { return Shape(std::span(shape.begin(), static_cast<size_t>(shape.ndim() - 2))); }

// Both of rank 2 or more, of one dtype.
Tensor product(const Tensor& a, const Tensor& b) {
  const Shape &sa = a.shape(), &sb = b.shape();
  const int64_t m = sa[sa.ndim() - 2], k = sa.back(), n = sb.back();
  if (sb[sb.ndim() - 2] != k)
    fail<ShapeError>("matmul", "inner dimensions differ; got ", sa, " and ", sb, ", expected [..., m, k] and [..., k, n]");
  if (sa.ndim() > 2 && sb.ndim() == 2) {  // one product for the whole batch
    Shape out_shape = leading(sa);
    const int64_t rows = numel("matmul", out_shape) * m;
    out_shape.push_back(m);
    out_shape.push_back(n);
    return reshape(product(reshape(a, {rows, k}), b), out_shape);
  }
  Shape out_shape = sa.ndim() == 2 && sb.ndim() == 2 ? Shape{} : broadcast_shapes("matmul", leading(sa), leading(sb));
  out_shape.push_back(m);
  out_shape.push_back(n);
  Tensor out = empty("matmul", out_shape, a.dtype());
  kernels::matmul(*out.ref(), a.impl(), b.impl());
  record(kMatmul, out, {&a, &b}, Layouts{lies_flipped(a.impl()), lies_flipped(b.impl())});
  return out;
}

struct Activated {
  const Op* op;
  Fn fn;
  Tensor (*call)(const Tensor&);
};

// By DenseActivation. All of these have their derivative from the result alone.
const Activated& activated(DenseActivation activation) {
  static constexpr std::array<Activated, 4> kTable{{{nullptr, {}, [](const Tensor& x) { return x; }},
                                                    {&kRelu, Fn::relu, relu},
                                                    {&kSigmoid, Fn::sigmoid, sigmoid},
                                                    {&kTanh, Fn::tanh, tanh}}};
  return kTable[static_cast<size_t>(activation)];
}

// One buffer: the bias goes in first, the product is added to it, the activation is applied in place. The tape sees two
// operations, and nobody sees what was between them.
Tensor dense_of_matrices(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Activated& activation,
                         bool transposed) {
  Tensor out = empty("dense", {x.shape()[0], bias.shape()[0]}, x.dtype());
  kernels::copy(*out.ref(), bias.impl());
  if (transposed) kernels::matmul(*out.ref(), x.impl(), Flipped(kernel.impl()), true);
  else kernels::matmul(*out.ref(), x.impl(), kernel.impl(), true);
  record(transposed ? kDenseTransposed : kDense, out, {&x, &kernel, &bias},
         Layouts{lies_flipped(x.impl()), lies_flipped(kernel.impl())});
  if (!activation.op) return out;
  const TensorImpl* in[] = {out.ref().get()};
  kernels::pointwise(activation.fn, *out.ref(), in);
  record(*activation.op, out, {&out});
  return out;
}

}  // namespace

constexpr const Op* kOps[] = {&kMatmul, &kDense, &kDenseTransposed};
const OpFamily kMatmulOps{"matmul", kOps};

}  // namespace detail

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype()) {
    const DType dtype = promote(a.dtype(), b.dtype());
    return matmul(a.astype(dtype), b.astype(dtype));
  }
  if (a.ndim() >= 2 && b.ndim() >= 2) return detail::product(a, b);
  if (a.ndim() == 0 || b.ndim() == 0)
    fail<ShapeError>("matmul", "0-dim operand; got ", a.shape(), " and ", b.shape(), ", expected rank 1 or more; use a * b");
  const Tensor rows = a.ndim() == 1 ? expand_dims(a, 0) : a, columns = b.ndim() == 1 ? expand_dims(b, 1) : b;
  Tensor out = detail::product(rows, columns);
  if (b.ndim() == 1) out = squeeze(out, -1);
  if (a.ndim() == 1) out = squeeze(out, b.ndim() == 1 ? -1 : -2);
  return out;
}

Tensor dense(const Tensor& x, const Tensor& kernel, const Tensor& bias, const DenseForm& form) {
  const bool transposed = form.transposed;
  if (x.ndim() < 1 || kernel.ndim() != 2 || x.shape().back() != kernel.shape()[transposed ? 1 : 0])
    fail<ShapeError>("dense", "input and kernel do not fit; got ", x.shape(), " and ", kernel.shape(),
                     ", expected [..., in] and ", transposed ? "[units, in]" : "[in, units]");
  const int64_t units = kernel.shape()[transposed ? 0 : 1];
  if (bias.ndim() != 1 || bias.shape()[0] != units)
    fail<ShapeError>("dense", "bias does not fit the kernel; got ", bias.shape(), ", expected [", units, "]");
  const detail::Activated& after = detail::activated(form.activation);
  const bool plain = x.dtype() == DType::float32 || x.dtype() == DType::float64;
  if (!plain || x.dtype() != kernel.dtype() || x.dtype() != bias.dtype())
    return after.call(matmul(x, transposed ? transpose(kernel) : kernel) + bias);
  if (x.ndim() == 2) return detail::dense_of_matrices(x, kernel, bias, after, transposed);
  Shape shape = x.shape();
  const int64_t rows = numel("dense", Shape(std::span(shape.begin(), static_cast<size_t>(shape.ndim() - 1))));
  const Tensor flat = reshape(x, {rows, shape.back()});
  shape[shape.ndim() - 1] = units;
  return reshape(detail::dense_of_matrices(flat, kernel, bias, after, transposed), shape);
}

namespace {

Tensor contract(const Tensor& a, const Tensor& b, const Shape& axes_a, const Shape& axes_b) {
  if (axes_a.ndim() != axes_b.ndim())
    fail<ShapeError>("tensordot", "axes come in pairs; got ", axes_a, " and ", axes_b, ", expected lists of one length");
  const uint32_t mask_a = Axes(axes_a).mask("tensordot", a.ndim()), mask_b = Axes(axes_b).mask("tensordot", b.ndim());
  Shape order_a, order_b, out;
  int64_t m = 1, k = 1, n = 1;
  for (int i = 0; i < a.ndim(); ++i)
    if (!(mask_a >> i & 1u)) order_a.push_back(i), out.push_back(a.shape()[i]), m *= a.shape()[i];
  for (int i = 0; i < axes_a.ndim(); ++i) {
    const int from_a = normalize_axis("tensordot", axes_a[i], a.ndim()),
              from_b = normalize_axis("tensordot", axes_b[i], b.ndim());
    if (a.shape()[from_a] != b.shape()[from_b])
      fail<ShapeError>("tensordot", "contracted dimensions differ; got ", a.shape(), " and ", b.shape(), ", expected axes ",
                       axes_a, " and ", axes_b, " to agree");
    order_a.push_back(from_a);
    order_b.push_back(from_b);
    k *= a.shape()[from_a];
  }
  for (int i = 0; i < b.ndim(); ++i)
    if (!(mask_b >> i & 1u)) order_b.push_back(i), out.push_back(b.shape()[i]), n *= b.shape()[i];
  return reshape(matmul(reshape(permute(a, order_a), {m, k}), reshape(permute(b, order_b), {k, n})), out);
}

}  // namespace

Tensor tensordot(const Tensor& a, const Tensor& b, int64_t axes) {
  if (axes < 0 || axes > a.ndim() || axes > b.ndim())
    fail<ShapeError>("tensordot", "number of axes out of range; got ", axes, " for ", a.shape(), " and ", b.shape(),
                     ", expected at most both ranks");
  Shape axes_a, axes_b;
  for (int64_t i = 0; i < axes; ++i) axes_a.push_back(a.ndim() - axes + i), axes_b.push_back(i);
  return contract(a, b, axes_a, axes_b);
}
Tensor tensordot(const Tensor& a, const Tensor& b, std::initializer_list<int64_t> axes_a, std::initializer_list<int64_t> axes_b) {
  return contract(a, b, Shape(axes_a), Shape(axes_b));
}

}  // namespace gradus
