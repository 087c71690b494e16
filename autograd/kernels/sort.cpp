#include "autograd/kernels/sort.h"

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <iterator>
#include <limits>
#include <type_traits>
#include <utility>

#include "autograd/base/parallel.h"
#include "autograd/kernels/convert.h"
#include "autograd/kernels/loops.h"

namespace gradus::kernels {
namespace {

using detail::TensorImpl;

/// An unsigned integer that compares as x does.
template <class T>
uint64_t sort_key(T x) {
  if constexpr (std::integral<T>) {
    return static_cast<uint64_t>(x) ^ uint64_t { 1 } << 63;
  } else if constexpr (Half<T>) {
    return sort_key(static_cast<float>(x));
  } else {
    using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    constexpr Bits kSign = Bits{1} << (8 * sizeof(Bits) - 1);
    if (x != x) return std::numeric_limits<Bits>::max();
    const auto bits = std::bit_cast<Bits>(x == 0 ? T(0) : x);
    return (bits & kSign) != 0 ? static_cast<Bits>(~bits) : bits | kSign;  // larger negative numbers have smaller bits
  }
}

struct Entry {
  uint64_t key;
  int64_t index;
  friend bool operator<(const Entry& a, const Entry& b) { return a.key != b.key ? a.key < b.key : a.index < b.index; }
};
using Entries = std::vector<Entry>;

constexpr int64_t kWorth = 16;  // sorting or searching an element costs as much as so much simple arithmetic

/// By bytes of the key, lowest first. Stable; bytes that are the same everywhere cost nothing.
void radix_sort(Entries& entries, Entries& scratch) {
  constexpr size_t kBytes = sizeof(uint64_t);
  std::array<std::array<size_t, 256>, kBytes> counts{};
  for (const Entry& e : entries)
    for (size_t b = 0; b < kBytes; ++b) ++counts[b][e.key >> 8 * b & 255];
  scratch.resize(entries.size());
  for (size_t b = 0; b < kBytes; ++b) {
    if (counts[b][entries[0].key >> 8 * b & 255] == entries.size()) continue;
    size_t position = 0;
    for (size_t& c : counts[b]) position += std::exchange(c, position);
    for (const Entry& e : entries) scratch[counts[b][e.key >> 8 * b & 255]++] = e;
    entries.swap(scratch);
  }
}

/// The entries of the `count` lowest of keys key(0) ... key(n - 1), in order. Twice as many candidates are kept; what does not
/// come before the whole lower half of them is none.
template <class Key>
void select_lowest(Entries& entries, int64_t n, int64_t count, const Key& key) {
  Entry limit{std::numeric_limits<uint64_t>::max(), n};
  for (int64_t k = 0; k < n; ++k) {
    const Entry entry{key(k), k};
    if (!(entry < limit)) continue;
    entries.push_back(entry);
    if (std::ssize(entries) < 2 * count) continue;
    std::nth_element(entries.begin(), entries.begin() + count - 1, entries.end());
    entries.resize(static_cast<size_t>(count));
    limit = entries.back();
  }
  std::partial_sort(entries.begin(), entries.begin() + count, entries.end());
}

/// Leaves the entries of ranks [first, last) among keys key(0) ... key(n - 1) at these places.
template <class Key>
void sort_line(Entries& entries, Entries& scratch, int64_t n, int64_t first, int64_t last, const Key& key) {
  constexpr int64_t kWorthRadix = 256, kFew = 8;  // selecting less than an eighth is cheaper than sorting
  entries.clear();
  if (first == 0 && last < n / kFew) return select_lowest(entries, n, last, key);
  entries.reserve(static_cast<size_t>(n));
  for (int64_t k = 0; k < n; ++k) entries.push_back({key(k), k});
  if (n >= kWorthRadix && last - first >= n / kFew) return radix_sort(entries, scratch);
  const auto begin = entries.begin() + first, end = entries.begin() + last;
  if (first > 0) std::nth_element(entries.begin(), begin, entries.end());
  if (last < n) std::nth_element(begin, end, entries.end());
  std::sort(begin, end);
}

}  // namespace

void order(TensorImpl& out, const TensorImpl& in, int axis, bool descending, int64_t first) {
  const int64_t n = in.shape[axis], count = out.shape[axis], to_step = out.stride(axis) * size_of(DType::int64);
  if (out.size == 0) return;
  Shape lines = in.shape;
  lines[axis] = 1;
  visit_dtype(in.dtype, [&]<class T>() {
    const int64_t from_step = in.stride(axis) * static_cast<int64_t>(sizeof(T));
    const Loop<2> loop(lines, {Array{out.data, out.strides, size_of(DType::int64)}, Array{in.data, in.strides, sizeof(T)}});
    loop.run(std::max<int64_t>(1, kGrain / kWorth / n), [&](const Loop<2>::Pointers& p, const Loop<2>::Steps& steps, int64_t m) {
      Entries entries, scratch;
      for (int64_t i = 0; i < m; ++i) {
        sort_line(entries, scratch, n, first, first + count, [&](int64_t k) {
          const uint64_t key = sort_key(*reinterpret_cast<const T*>(p[1] + i * steps[1] + k * from_step));
          return descending ? ~key : key;
        });
        for (int64_t k = 0; k < count; ++k)
          *reinterpret_cast<int64_t*>(p[0] + i * steps[0] + k * to_step) = entries[static_cast<size_t>(first + k)].index;
      }
    });
  });
}

Groups groups(TensorImpl& inverse, const TensorImpl& in) {
  Groups result;
  visit_dtype(in.dtype, [&]<class T>() {
    Entries entries, scratch;
    sort_line(entries, scratch, in.size, 0, in.size, [&](int64_t k) { return sort_key(in.as<T>()[k * in.stride(0)]); });
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i == 0 || entries[i].key != entries[i - 1].key) {
        result.first.push_back(entries[i].index);
        result.count.push_back(0);
      }
      ++result.count.back();
      inverse.as<int64_t>()[entries[i].index] = static_cast<int64_t>(result.first.size()) - 1;
    }
  });
  return result;
}

void search_sorted(TensorImpl& out, const TensorImpl& sorted, const TensorImpl& values, bool right) {
  const int64_t n = sorted.shape.back(), m = sorted.ndim() == 1 ? values.size : values.shape.back();
  visit_dtype(values.dtype, [&]<class T>() {
    parallel_for(out.size, kGrain / kWorth, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* line = sorted.as<T>() + i / m * n;
        const uint64_t key = sort_key(values.as<T>()[i]);
        const T* found =
            std::partition_point(line, line + n, [&](T x) { return right ? sort_key(x) <= key : sort_key(x) < key; });
        out.as<int64_t>()[i] = found - line;
      }
    });
  });
}

void count_values(TensorImpl& out, const TensorImpl& values) {
  std::fill_n(out.as<int64_t>(), out.size, 0);
  for (int64_t i = 0; i < values.size; ++i) ++out.as<int64_t>()[values.as<int64_t>()[i]];
}

}  // namespace gradus::kernels
