#include "autograd/kernels/onednn.h"

#include <atomic>
#include <cstdlib>
#include <string_view>

namespace gradus::kernels::onednn {
namespace {

std::atomic<Use> setting{Use::when_faster};

// The environment has the last word.
bool forbidden() {
  static const bool is = [] {
    const char* value = std::getenv("GRADUS_ONEDNN");
    return value != nullptr && std::string_view(value) == "0";
  }();
  return is;
}

// Below this, entering oneDNN costs as much as the work.
constexpr double kWorthwhile = 1 << 17;

bool available();

}  // namespace

void use(Use when) { setting = when; }

bool wanted(double products) {
  const Use when = setting;
  return when != Use::never && !forbidden() && (when == Use::always || products >= kWorthwhile) && available();
}

}  // namespace gradus::kernels::onednn

#ifndef GRADUS_HAVE_ONEDNN
namespace gradus::kernels::onednn {
namespace {
bool available() { return false; }
}  // namespace
}  // namespace gradus::kernels::onednn
#else

#include <dlfcn.h>
#include <omp.h>

#include <array>
#include <string>

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels::onednn {
namespace {

/// The functions used here, and one engine.
struct Library {
  decltype(&dnnl_version) version;
  decltype(&dnnl_engine_create) engine_create;
  decltype(&dnnl_stream_create) stream_create;
  decltype(&dnnl_stream_destroy) stream_destroy;
  decltype(&dnnl_memory_desc_init_by_strides) layout_by_strides;
  decltype(&dnnl_memory_desc_init_by_tag) layout_by_tag;
  decltype(&dnnl_memory_desc_equal) layout_equal;
  decltype(&dnnl_memory_desc_get_size) layout_size;
  decltype(&dnnl_memory_create) memory_create;
  decltype(&dnnl_memory_destroy) memory_destroy;
  decltype(&dnnl_dilated_convolution_forward_desc_init) convolution_forward;
  decltype(&dnnl_dilated_convolution_backward_data_desc_init) convolution_data;
  decltype(&dnnl_dilated_convolution_backward_weights_desc_init) convolution_weights;
  decltype(&dnnl_matmul_desc_init) matmul;
  decltype(&dnnl_primitive_attr_create) attributes_create;
  decltype(&dnnl_primitive_attr_set_scratchpad_mode) set_scratchpad_mode;
  decltype(&dnnl_primitive_desc_create) description_create;
  decltype(&dnnl_reorder_primitive_desc_create) reorder_create;
  decltype(&dnnl_primitive_desc_query) query;
  decltype(&dnnl_primitive_desc_query_md) query_layout;
  decltype(&dnnl_primitive_desc_destroy) description_destroy;
  decltype(&dnnl_primitive_create) primitive_create;
  decltype(&dnnl_primitive_execute) primitive_execute;
  decltype(&dnnl_primitive_destroy) primitive_destroy;

  dnnl_engine_t engine = nullptr;
  dnnl_primitive_attr_t attributes = nullptr;  // the caller brings temporary memory: primitives may run side by side

  bool open() {
    // Never closed: threads may still hold what it gave them when the process ends.
    void* handle = dlopen(("libdnnl.so." + std::to_string(DNNL_VERSION_MAJOR)).c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (handle == nullptr) return false;
    const auto find = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
      return function != nullptr;
    };
    const bool complete =
        find(version, "dnnl_version") && find(engine_create, "dnnl_engine_create") && find(stream_create, "dnnl_stream_create") &&
        find(stream_destroy, "dnnl_stream_destroy") && find(layout_by_strides, "dnnl_memory_desc_init_by_strides") &&
        find(layout_by_tag, "dnnl_memory_desc_init_by_tag") && find(layout_equal, "dnnl_memory_desc_equal") &&
        find(layout_size, "dnnl_memory_desc_get_size") && find(memory_create, "dnnl_memory_create") &&
        find(memory_destroy, "dnnl_memory_destroy") && find(convolution_forward, "dnnl_dilated_convolution_forward_desc_init") &&
        find(convolution_data, "dnnl_dilated_convolution_backward_data_desc_init") &&
        find(convolution_weights, "dnnl_dilated_convolution_backward_weights_desc_init") &&
        find(matmul, "dnnl_matmul_desc_init") && find(attributes_create, "dnnl_primitive_attr_create") &&
        find(set_scratchpad_mode, "dnnl_primitive_attr_set_scratchpad_mode") &&
        find(description_create, "dnnl_primitive_desc_create") && find(reorder_create, "dnnl_reorder_primitive_desc_create") &&
        find(query, "dnnl_primitive_desc_query") && find(query_layout, "dnnl_primitive_desc_query_md") &&
        find(description_destroy, "dnnl_primitive_desc_destroy") && find(primitive_create, "dnnl_primitive_create") &&
        find(primitive_execute, "dnnl_primitive_execute") && find(primitive_destroy, "dnnl_primitive_destroy");
    if (!complete) return false;
    const dnnl_version_t* found = version();  // structures grow between versions
    return found != nullptr && found->major == DNNL_VERSION_MAJOR && found->minor >= DNNL_VERSION_MINOR &&
           engine_create(&engine, dnnl_cpu, 0) == dnnl_success && attributes_create(&attributes) == dnnl_success &&
           set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user) == dnnl_success;
  }
};

/// Null where it cannot be had.
const Library* library() {
  static const Library* const opened = []() -> const Library* {
    static Library functions{};
    return functions.open() ? &functions : nullptr;
  }();
  return opened;
}
bool available() { return library() != nullptr; }

/// While this lives, OpenMP code of others that this thread calls stays on it.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

template <class T>
using Handle = std::unique_ptr<std::remove_pointer_t<T>, dnnl_status_t (*)(T)>;

dnnl_data_type_t type_of(DType dtype) {
  return dtype == DType::bfloat16 ? dnnl_bf16 : dtype == DType::float16 ? dnnl_f16 : dnnl_f32;
}

Layout with_tag(std::span<const int64_t> sizes, DType dtype, dnnl_format_tag_t tag) {
  Layout layout{};  // of no size if it cannot be, and then nothing can be made of it
  library()->layout_by_tag(&layout, static_cast<int>(sizes.size()), sizes.data(), type_of(dtype), tag);
  return layout;
}

}  // namespace

Layout with_strides(std::span<const int64_t> sizes, std::span<const int64_t> strides, DType dtype) {
  Layout layout{};
  library()->layout_by_strides(&layout, static_cast<int>(sizes.size()), sizes.data(), type_of(dtype), strides.data());
  return layout;
}
Layout channels_last(std::span<const int64_t> sizes, DType dtype) {
  return with_tag(sizes, dtype, sizes.size() == 3 ? dnnl_nwc : sizes.size() == 4 ? dnnl_nhwc : dnnl_ndhwc);
}
Layout any(std::span<const int64_t> sizes, DType dtype) { return with_tag(sizes, dtype, dnnl_format_tag_any); }
bool same(const Layout& a, const Layout& b) { return library()->layout_equal(&a, &b) != 0; }

bool describe(dnnl_convolution_desc_t& op, dnnl_prop_kind_t kind, const Layout& x, const Layout& w, const Layout& y,
              const Geometry& g) {
  const Library& dnnl = *library();
  constexpr dnnl_alg_kind_t direct = dnnl_convolution_direct;
  switch (kind) {
    case dnnl_backward_data:
      return dnnl.convolution_data(&op, direct, &x, &w, &y, g.stride, g.dilation, g.before, g.after) == dnnl_success;
    case dnnl_backward_weights:
      return dnnl.convolution_weights(&op, direct, &x, &w, nullptr, &y, g.stride, g.dilation, g.before, g.after) == dnnl_success;
    default:
      return dnnl.convolution_forward(&op, kind, direct, &x, &w, nullptr, &y, g.stride, g.dilation, g.before, g.after) ==
             dnnl_success;
  }
}
bool describe(dnnl_matmul_desc_t& op, const Layout& a, const Layout& b, const Layout& out) {
  return library()->matmul(&op, &a, &b, nullptr, &out) == dnnl_success;
}
size_t bytes(const Layout& layout) { return library()->layout_size(&layout); }

Primitive::~Primitive() {
  if (primitive_ != nullptr) library()->primitive_destroy(primitive_);
  library()->description_destroy(description_);
}

std::unique_ptr<const Primitive> Primitive::compiled(dnnl_primitive_desc_t description) {
  std::unique_ptr<Primitive> made(new Primitive(description));
  if (library()->primitive_create(&made->primitive_, description) != dnnl_success) return nullptr;
  return made;
}

std::unique_ptr<const Primitive> Primitive::make(const_dnnl_op_desc_t op, const_dnnl_op_desc_t forward,
                                                 bool (*good)(std::string_view)) {
  const Library& dnnl = *library();
  const OneThread one;
  dnnl_primitive_desc_t hint = nullptr, description;
  if (forward != nullptr && dnnl.description_create(&hint, forward, dnnl.attributes, dnnl.engine, nullptr) != dnnl_success)
    return nullptr;
  const dnnl_status_t status = dnnl.description_create(&description, op, dnnl.attributes, dnnl.engine, hint);
  if (hint != nullptr) dnnl.description_destroy(hint);
  if (status != dnnl_success) return nullptr;
  const char* name = nullptr;
  dnnl.query(description, dnnl_query_impl_info_str, 0, &name);
  if (name == nullptr || !good(name)) {
    dnnl.description_destroy(description);
    return nullptr;
  }
  return compiled(description);
}

std::unique_ptr<const Primitive> Primitive::reorder(const Layout& from, const Layout& to) {
  const Library& dnnl = *library();
  const OneThread one;
  dnnl_primitive_desc_t description;
  if (dnnl.reorder_create(&description, &from, dnnl.engine, &to, dnnl.engine, dnnl.attributes) != dnnl_success) return nullptr;
  return compiled(description);
}

Layout Primitive::layout(dnnl_query_t what) const { return *library()->query_layout(description_, what, 0); }

bool Primitive::run(std::span<const Argument> arguments) const {
  constexpr size_t kMost = 4;
  const Library& dnnl = *library();
  const OneThread one;
  std::vector<Handle<dnnl_memory_t>> memories;
  std::array<dnnl_exec_arg_t, kMost> given;
  const auto add = [&](int name, const Layout& layout, void* data) {
    dnnl_memory_t memory;
    if (memories.size() == kMost || dnnl.memory_create(&memory, &layout, dnnl.engine, data) != dnnl_success) return false;
    given[memories.size()] = {name, memory};
    memories.emplace_back(memory, dnnl.memory_destroy);
    return true;
  };
  for (const Argument& a : arguments)
    if (!add(a.name, a.layout, a.data)) return false;
  const Layout scratch = layout(dnnl_query_scratchpad_md);
  Ref<detail::TensorImpl> temporary;
  if (const size_t size = bytes(scratch)) {
    temporary = detail::TensorImpl::make("oneDNN", {static_cast<int64_t>(size)}, DType::uint8);
    if (!add(DNNL_ARG_SCRATCHPAD, scratch, temporary->data)) return false;
  }
  dnnl_stream_t stream;
  if (dnnl.stream_create(&stream, dnnl.engine, dnnl_stream_default_flags) != dnnl_success) return false;
  const Handle<dnnl_stream_t> owner(stream, dnnl.stream_destroy);
  return dnnl.primitive_execute(primitive_, stream, static_cast<int>(memories.size()), given.data()) == dnnl_success;
}

}  // namespace gradus::kernels::onednn
#endif
