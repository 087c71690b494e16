// oneDNN: JIT-compiled convolutions and low-precision products, from a library that is opened when something first asks for it.
//
// The library is large and may be missing, of another version or unable to do what is asked; every caller has a path of its own
// beside it, and takes that one whenever a function here says so. Nothing of oneDNN runs on more than the calling thread: callers
// split work themselves, in parts that do not depend on the number of threads, so that results do not either.
#pragma once

#include <cstddef>

namespace gradus::kernels::onednn {

/// `always` takes it wherever it can do the work, however little that is: for tests.
enum class Use { never, when_faster, always };
/// Starts as `when_faster`. Where the environment says GRADUS_ONEDNN=0 it is never used, whatever is set here.
void use(Use when);
/// Whether work of so many multiplications should go there; opens the library on the first yes.
bool wanted(double products);

}  // namespace gradus::kernels::onednn

#ifdef GRADUS_HAVE_ONEDNN
#include <dnnl.h>

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "autograd/base/dtype.h"

namespace gradus::kernels::onednn {

using Layout = dnnl_memory_desc_t;

Layout with_strides(std::span<const int64_t> sizes, std::span<const int64_t> strides, DType dtype);
/// An image [batch, channels, spatial...] with its channels together, or a layout that an implementation may choose.
Layout channels_last(std::span<const int64_t> sizes, DType dtype);
Layout any(std::span<const int64_t> sizes, DType dtype);
bool same(const Layout& a, const Layout& b);
size_t bytes(const Layout& layout);

/// One number per spatial axis; dilation 0 is none.
struct Geometry {
  dnnl_dims_t stride{}, dilation{}, before{}, after{};
};
/// False where oneDNN knows no such operation. `kind` is forward, backward data or backward weights.
bool describe(dnnl_convolution_desc_t& op, dnnl_prop_kind_t kind, const Layout& x, const Layout& w, const Layout& y,
              const Geometry& geometry);
bool describe(dnnl_matmul_desc_t& op, const Layout& a, const Layout& b, const Layout& out);

struct Argument {
  int name;
  Layout layout;
  void* data;
};

/// A compiled operation. Any number of threads may run it at once.
class Primitive {
 public:
  ~Primitive();
  Primitive(const Primitive&) = delete;
  Primitive& operator=(const Primitive&) = delete;

  /// The one that oneDNN thinks fastest, or null where it has none or `good` does not like its name. Gradients name the operation
  /// that they belong to.
  static std::unique_ptr<const Primitive> make(const_dnnl_op_desc_t op, const_dnnl_op_desc_t forward,
                                               bool (*good)(std::string_view implementation));
  /// A copy from one layout to another.
  static std::unique_ptr<const Primitive> reorder(const Layout& from, const Layout& to);

  /// How an argument has to lie.
  Layout layout(dnnl_query_t what) const;
  /// False when it could not, and results are undefined.
  bool run(std::span<const Argument> arguments) const;

 private:
  explicit Primitive(dnnl_primitive_desc_t description) : description_(description) {}
  static std::unique_ptr<const Primitive> compiled(dnnl_primitive_desc_t description);

  dnnl_primitive_desc_t description_;
  dnnl_primitive_t primitive_ = nullptr;
};

/// What has been made for a key, null included, until there are too many.
template <class Value>
class Cache {
 public:
  using Key = std::vector<int64_t>;

  template <class Make>
  std::shared_ptr<const Value> find_or_make(const Key& key, const Make& make) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = entries_.find(key); found != entries_.end()) return found->second;
    }
    std::shared_ptr<const Value> made = make();
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= kMost) entries_.clear();
    return entries_[key] = std::move(made);
  }

 private:
  static constexpr size_t kMost = 256;
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<const Value>> entries_;
};

}  // namespace gradus::kernels::onednn
#endif
