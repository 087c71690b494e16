#include "autograd/slice.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>

namespace gradus {
namespace {

constexpr std::string_view kOp = "slice";

struct Range {
  int64_t start, step, count;
};

// Python's rules for a slice of an axis of size n, without overflow for any bounds and step.
Range resolve(const Slice& slice, int64_t n) {
  if (slice.step == 0) fail<ValueError>(kOp, "zero step; got 0, expected a positive or negative step");
  const int64_t step = std::max(slice.step.value_or(1), -std::numeric_limits<int64_t>::max());  // so that -step exists
  const bool down = step < 0;
  const int64_t low = down ? -1 : 0, high = down ? n - 1 : n;
  const auto bound = [&](std::optional<int64_t> value, int64_t absent) {
    return value ? std::clamp(*value < 0 ? *value + n : *value, low, high) : absent;
  };
  const int64_t start = bound(slice.start, down ? high : low), stop = bound(slice.stop, down ? low : high);
  const int64_t length = down ? start - stop : stop - start;
  return {start, step, length > 0 ? (length - 1) / (down ? -step : step) + 1 : 0};
}

// What an index takes and makes, known before its first entry is applied: an ellipsis stands for the axes nobody else takes.
struct Census {
  int64_t taken = 0, made = 0, ellipses = 0;

  void add(const Index& entry) {
    taken += entry.kind == Index::Kind::integer || entry.kind == Index::Kind::slice;
    made += entry.kind == Index::Kind::newaxis || entry.kind == Index::Kind::slice;
    ellipses += entry.kind == Index::Kind::ellipsis;
  }
  // The number of axes left to the ellipsis.
  int64_t check(const Shape& shape) const {
    if (ellipses > 1) fail<ValueError>(kOp, "more than one ellipsis; got ", ellipses, ", expected at most 1");
    if (taken > shape.ndim())
      fail<ShapeError>(kOp, "too many indices; got ", taken, " for shape ", shape, ", expected at most ", shape.ndim());
    const int64_t left = shape.ndim() - taken;
    if (made + left > kMaxRank)
      fail<ShapeError>(kOp, "too many dimensions; got ", made + left, ", expected at most ", kMaxRank, "; use fewer newaxis");
    return left;
  }
};

class Builder {
 public:
  Builder(const Shape& shape, const Strides& strides, int64_t left) : shape_(shape), strides_(strides), left_(left) {}

  void add(const Index& entry) {
    switch (entry.kind) {
      case Index::Kind::integer: return pick(entry.integer);
      case Index::Kind::slice: return cut(entry.slice);
      case Index::Kind::ellipsis: return keep_left();
      // Row-major strides also for dimensions of 1: BLAS takes no leading dimension of 0.
      case Index::Kind::newaxis: return push(1, axis_ < shape_.ndim() ? std::max<int64_t>(1, shape_[axis_] * stride()) : 1);
    }
  }
  ViewSpec finish() {
    keep_left();  // the ellipsis at the end that need not be written
    if (empty_) view_.offset = 0;
    return view_;
  }

 private:
  int64_t stride() const { return strides_[static_cast<size_t>(axis_)]; }
  void push(int64_t size, int64_t stride) {
    view_.strides[static_cast<size_t>(view_.shape.ndim())] = stride;
    view_.shape.push_back(size);
    empty_ |= size == 0;
  }
  void pick(int64_t i) {
    const int64_t n = shape_[axis_];
    if (i < -n || i >= n)
      fail<ShapeError>(kOp, "index out of range; got ", i, " for axis ", axis_, " of shape ", shape_, ", expected ", -n,
                       " <= index < ", n);
    view_.offset += (i < 0 ? i + n : i) * stride();
    ++axis_;
  }
  void cut(const Slice& slice) {
    const Range range = resolve(slice, shape_[axis_]);
    if (range.count > 0) view_.offset += range.start * stride();
    push(range.count, range.count > 1 ? range.step * stride() : stride());  // a lone element's step may be huge
    ++axis_;
  }
  void keep_left() {
    for (; left_ > 0; --left_, ++axis_) push(shape_[axis_], stride());
  }

  const Shape& shape_;
  const Strides& strides_;
  int64_t left_;
  int axis_ = 0;
  bool empty_ = false;
  ViewSpec view_;
};

// The entries of an index text: as many as a valid one can have (every axis, the axes of 1 that still fit, an ellipsis). Most of
// the room stays unused, so none of it is cleared.
class Entries {
 public:
  Entries() {}  // NOLINT(modernize-use-equals-default): that one would be deleted, Index has no default
  operator std::span<const Index>() const { return {room_, size_}; }
  void push_back(const Index& entry) {
    if (size_ == kCapacity) fail<ShapeError>(kOp, "too many indices; got more than ", kCapacity, ", expected one per axis");
    std::construct_at(room_ + size_++, entry);
  }

 private:
  static constexpr size_t kCapacity = 2 * kMaxRank + 1;
  union {
    Index room_[kCapacity];
  };
  size_t size_ = 0;
};

// Index text: entries between commas, a trailing comma allowed as in Python.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  void parse(Entries& out) {
    do out.push_back(entry());
    while (accept(',') && !at_end());
    if (!at_end()) fail_here("',' or the end");
  }

 private:
  void skip_spaces() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\t')) ++position_;
  }
  bool at_end() {
    skip_spaces();
    return position_ == text_.size();
  }
  char peek() { return at_end() ? '\0' : text_[position_]; }
  bool accept(char c) {
    if (at_end() || text_[position_] != c) return false;
    ++position_;
    return true;
  }
  bool digit() const { return position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9'; }

  Index entry() {
    switch (peek()) {
      case '.': return word("...", ellipsis);
      case 'n': return word("newaxis", newaxis);
      default: break;
    }
    const std::optional<int64_t> first = number();
    if (!accept(':')) {
      if (!first) fail_here("an integer, a slice, '...' or newaxis");
      return *first;
    }
    const std::optional<int64_t> stop = number();
    if (!accept(':')) return Slice(first, stop);
    return Slice(first, stop, number());
  }
  Index word(std::string_view expected, const Index& meaning) {
    for (char c : expected) {
      if (position_ == text_.size() || text_[position_] != c) fail_here(expected);
      ++position_;
    }
    return meaning;
  }
  std::optional<int64_t> number() {
    if (at_end()) return none;
    const size_t begin = position_;
    if (text_[position_] == '-') ++position_;
    if (!digit()) {
      if (position_ > begin) fail_here("a digit");
      return none;
    }
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + begin, text_.data() + text_.size(), value);
    if (error != std::errc()) {
      position_ = begin;
      fail_here("an integer of 64 bits");
    }
    position_ = static_cast<size_t>(end - text_.data());
    return value;
  }

  [[noreturn, gnu::cold]] void fail_here(std::string_view expected) const {
    fail<ValueError>(kOp, "malformed index; got \"", text_, "\", wrong at position ", position_,
                     position_ == text_.size() ? " (its end)" : "", ", expected ", expected,
                     "; write it as in \"1, 10:90:2, ..., newaxis\"");
  }

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace

ViewSpec resolve_index(std::span<const Index> index, const Shape& shape, const Strides& strides) {
  Census census;
  for (const Index& entry : index) census.add(entry);
  Builder builder(shape, strides, census.check(shape));
  for (const Index& entry : index) builder.add(entry);
  return builder.finish();
}

ViewSpec resolve_index(std::string_view index, const Shape& shape, const Strides& strides) {
  Entries entries;
  Parser(index).parse(entries);
  return resolve_index(std::span<const Index>(entries), shape, strides);
}

}  // namespace gradus
