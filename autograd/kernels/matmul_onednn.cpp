#include "autograd/kernels/matmul_onednn.h"

#include "autograd/kernels/onednn.h"

#ifndef GRADUS_HAVE_ONEDNN
namespace gradus::kernels {
bool matmul_onednn(detail::TensorImpl&, const detail::TensorImpl&, const detail::TensorImpl&, bool) { return false; }
}  // namespace gradus::kernels
#else

#include <algorithm>
#include <atomic>
#include <limits>

#include "autograd/kernels/convert.h"
#include "autograd/kernels/copy.h"
#include "autograd/kernels/loops.h"

namespace gradus::kernels {
namespace {

using detail::TensorImpl;
using onednn::Layout;
using onednn::Primitive;

// Rows of a part of a large product, each of which arranges b anew, and the multiplications that make it worth one.
constexpr int64_t kPart = 64;
constexpr double kPartProducts = 1 << 23;

/// The last two dimensions.
struct Matrix {
  std::array<int64_t, 2> sizes, strides;
  DType dtype;

  explicit Matrix(const TensorImpl& x)
      : sizes{x.shape[x.ndim() - 2], x.shape.back()}, strides{x.stride(x.ndim() - 2), x.stride(x.ndim() - 1)}, dtype(x.dtype) {
    // Where a dimension has one element its stride says nothing, and oneDNN would still look at it.
    if (sizes[1] == 1) strides[1] = 1, strides[0] = sizes[0] == 1 ? 1 : strides[0];
    else if (sizes[0] == 1) strides[0] = strides[1] == 1 ? sizes[1] : 1;
  }
  /// Row by row or column by column without gaps: for anything else oneDNN has no fast code.
  bool dense() const { return (strides[1] == 1 && strides[0] == sizes[1]) || (strides[0] == 1 && strides[1] == sizes[0]); }
  Layout layout() const { return onednn::with_strides(sizes, strides, dtype); }
};

/// A product of matrices that lie like these.
struct Plan {
  std::unique_ptr<const Primitive> product;
  Layout a, b, out;

  bool run(const std::byte* left, const std::byte* right, std::byte* result) const {
    const onednn::Argument arguments[] = {{DNNL_ARG_SRC, a, const_cast<std::byte*>(left)},
                                          {DNNL_ARG_WEIGHTS, b, const_cast<std::byte*>(right)},
                                          {DNNL_ARG_DST, out, result}};
    return product->run(arguments);
  }
};

std::shared_ptr<const Plan> plan_for(const Matrix& a, const Matrix& b, const Matrix& out) {
  static auto& plans = *new onednn::Cache<Plan>;  // outlives every thread
  const onednn::Cache<Plan>::Key key{static_cast<int64_t>(a.dtype),
                                     static_cast<int64_t>(out.dtype),
                                     a.sizes[0],
                                     a.sizes[1],
                                     b.sizes[1],
                                     a.strides[0],
                                     a.strides[1],
                                     b.strides[0],
                                     b.strides[1],
                                     out.strides[0]};
  return plans.find_or_make(key, [&]() -> std::shared_ptr<const Plan> {
    auto plan = std::make_shared<Plan>();
    plan->a = a.layout(), plan->b = b.layout(), plan->out = out.layout();
    dnnl_matmul_desc_t op;
    if (!onednn::describe(op, plan->a, plan->b, plan->out)) return nullptr;
    plan->product = Primitive::make(&op, nullptr, [](std::string_view name) {
      return name.find("bf16") != name.npos || name.find("fp16") != name.npos || name.find("amx") != name.npos;
    });
    return plan->product ? plan : nullptr;
  });
}

/// One product, cut into rows that do not depend on the number of threads.
bool one_product(TensorImpl& out, const TensorImpl& left, const TensorImpl& right) {
  Matrix a(left), c(out);
  const Matrix b(right);
  const int64_t m = c.sizes[0];
  const double products = static_cast<double>(out.size) * static_cast<double>(a.sizes[1]);
  const auto most = static_cast<int64_t>(std::max(1.0, products / kPartProducts));
  // Where a lies column by column its rows are not without gaps.
  const int64_t rows = a.strides[1] == 1 ? std::max(kPart, (m - 1) / most + 1) : m, parts = (m - 1) / rows + 1;
  const auto plan_of = [&](int64_t count) {
    a.sizes[0] = c.sizes[0] = count;
    return plan_for(a, b, c);
  };
  const std::shared_ptr<const Plan> last = plan_of(m - (parts - 1) * rows), part = parts > 1 ? plan_of(rows) : last;
  if (!part || !last) return false;
  std::atomic<bool> done = true;
  parallel_for(parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Plan& plan = i + 1 < parts ? *part : *last;
      if (!plan.run(left.data + i * rows * a.strides[0] * size_of(a.dtype), right.data,
                    out.data + i * rows * c.strides[0] * size_of(c.dtype)))
        done = false;
    }
  });
  return done;
}

/// Many products of the same sizes side by side, either argument repeated where the other has more.
bool batch_of_products(TensorImpl& out, const TensorImpl& a, const TensorImpl& b) {
  const std::shared_ptr<const Plan> plan = plan_for(Matrix(a), Matrix(b), Matrix(out));
  if (!plan) return false;
  Shape batch = out.shape;
  batch[out.ndim() - 2] = batch[out.ndim() - 1] = 1;
  const Loop<3> loop(batch, {broadcast(out, batch), broadcast(a, batch), broadcast(b, batch)}, LoopOrder::row_major);
  std::atomic<bool> done = true;
  parallel_for(loop.total(), 1, [&](int64_t begin, int64_t end) {
    loop.walk(begin, end, [&](Loop<3>::Pointers p, const Loop<3>::Steps& steps, int64_t n) {
      for (int64_t i = 0; i < n; ++i) {
        if (!plan->run(p[1], p[2], p[0])) done = false;
        for (size_t k = 0; k < p.size(); ++k) p[k] += steps[k];
      }
    });
  });
  return done;
}

/// out += sums, rounded once.
template <class T>
void add(TensorImpl& out, const TensorImpl& sums) {
  parallel_for(out.size, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      out.as<T>()[i] = static_cast<T>(static_cast<float>(out.as<T>()[i]) + sums.as<float>()[i]);
  });
}

bool product(TensorImpl& out, const TensorImpl& a, const TensorImpl& b) {
  return out.size == out.shape[out.ndim() - 2] * out.shape.back() ? one_product(out, a, b) : batch_of_products(out, a, b);
}

/// The same elements in matrices without gaps.
Ref<TensorImpl> without_gaps(const TensorImpl& x) {
  if (Matrix(x).dense()) return TensorImpl::view(x, x.shape, x.strides, 0);
  Ref<TensorImpl> result = TensorImpl::make("matmul", x.shape, x.dtype);
  copy(*result, x);
  return result;
}

}  // namespace

bool matmul_onednn(TensorImpl& out, const TensorImpl& a, const TensorImpl& b, bool accumulate) {
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  const int64_t m = a.shape[a.ndim() - 2], k = a.shape.back(), n = b.shape.back();
  if (k == 0 || std::max({m, n, k}) > kMost) return false;
  if (!onednn::wanted(static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k))) return false;
  if (b.ndim() == 2 && a.ndim() > 2 && a.contiguous) {  // one matrix: rows of all that a is made of
    const Ref<TensorImpl> rows = TensorImpl::view(a, {a.size / k, k}, {k, 1}, 0);
    const Ref<TensorImpl> results = TensorImpl::view(out, {out.size / n, n}, {n, 1}, 0);
    return matmul_onednn(*results, *rows, b, accumulate);
  }
  const Ref<TensorImpl> left = without_gaps(a), right = without_gaps(b);
  if (!accumulate) return product(out, *left, *right);
  const Ref<TensorImpl> sums = TensorImpl::make("matmul", out.shape, DType::float32);
  if (!product(*sums, *left, *right)) return false;
  if (out.dtype == DType::bfloat16) add<bfloat16>(out, *sums);
  else add<float16>(out, *sums);
  return true;
}

}  // namespace gradus::kernels
#endif
