// Element types: one table, one visitor, one promotion rule.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string_view>
#include <type_traits>

#include "autograd/base/error.h"
#include "autograd/base/float16.h"

namespace gradus {

/// Element type of a tensor. The order is the order of promotion, except that float16 and bfloat16 meet in float32.
enum class DType : uint8_t { boolean, uint8, int32, int64, float16, bfloat16, float32, float64 };

struct DTypeInfo {
  std::string_view name;
  uint8_t size;  // bytes
  bool floating;
  std::string_view numpy;  // .npy descr; empty where NumPy has none
};

inline constexpr std::array<DTypeInfo, 8> kDTypes{{{"bool", 1, false, "|b1"},
                                                   {"uint8", 1, false, "|u1"},
                                                   {"int32", 4, false, "<i4"},
                                                   {"int64", 8, false, "<i8"},
                                                   {"float16", 2, true, "<f2"},
                                                   {"bfloat16", 2, true, ""},
                                                   {"float32", 4, true, "<f4"},
                                                   {"float64", 8, true, "<f8"}}};

constexpr const DTypeInfo& info(DType dtype) { return kDTypes[static_cast<size_t>(dtype)]; }
constexpr bool is_floating(DType dtype) { return info(dtype).floating; }
constexpr int64_t size_of(DType dtype) { return info(dtype).size; }
inline void append_text(std::string& out, DType dtype) { out += info(dtype).name; }
std::ostream& operator<<(std::ostream& out, DType dtype);

/// C++ type -> DType, for exactly the types a tensor can hold.
template <class T>
inline constexpr int kDTypeIndex = std::same_as<T, bool>                                                                ? 0
                                   : std::same_as<T, uint8_t>                                                           ? 1
                                   : std::same_as<T, int32_t>                                                           ? 2
                                   : std::same_as<T, int64_t> || (std::same_as<T, long long> && sizeof(long long) == 8) ? 3
                                   : std::same_as<T, float16>                                                           ? 4
                                   : std::same_as<T, bfloat16>                                                          ? 5
                                   : std::same_as<T, float>                                                             ? 6
                                   : std::same_as<T, double>                                                            ? 7
                                                                                                                        : -1;

/// A type that a tensor can hold.
template <class T>
concept Element = kDTypeIndex<std::remove_cv_t<T>>
>= 0;

template <Element T>
inline constexpr DType dtype_of = static_cast<DType>(kDTypeIndex<std::remove_cv_t<T>>);

/// Calls f.operator()<T>() with the C++ type of `dtype`. The only switch on a dtype in the tree.
template <class F>
constexpr decltype(auto) visit_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::boolean: return f.template operator()<bool>();
    case DType::uint8: return f.template operator()<uint8_t>();
    case DType::int32: return f.template operator()<int32_t>();
    case DType::int64: return f.template operator()<int64_t>();
    case DType::float16: return f.template operator()<float16>();
    case DType::bfloat16: return f.template operator()<bfloat16>();
    case DType::float32: return f.template operator()<float>();
    case DType::float64: break;
  }
  return f.template operator()<double>();
}

/// The dtype in which tensors of dtypes a and b meet (PyTorch's table: an integer never widens a float).
constexpr DType promote(DType a, DType b) {
  const bool halves = (a == DType::float16 && b == DType::bfloat16) || (a == DType::bfloat16 && b == DType::float16);
  return halves ? DType::float32 : a < b ? b : a;
}

/// Floating dtype in which true division, mean and transcendental functions of `dtype` are computed.
constexpr DType to_floating(DType dtype) { return is_floating(dtype) ? dtype : DType::float32; }

}  // namespace gradus
