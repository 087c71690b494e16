// Printing in the layout of NumPy's array2string with its default options.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <ostream>

#include "autograd/tensor.h"

namespace gradus {
namespace {

constexpr int64_t kThreshold = 1000;  // elements above which axes are elided
constexpr int64_t kEdge = 3;          // entries kept at each end of an elided axis
constexpr size_t kLineWidth = 75;
constexpr int kPrecision = 8;  // decimals at most, in arrays
constexpr int kAll = 1 << 20;  // more decimals than any number has

template <class T>
constexpr bool kFloating = is_floating(dtype_of<T>);

// Numbers.

// A finite number in decimal: d.ddd x 10^exponent.
struct Decimal {
  bool negative = false;
  std::string digits;
  int exponent = 0;

  // Digits after the point when written out; negative for 4110.
  int decimals() const { return static_cast<int>(digits.size()) - 1 - exponent; }
};

Decimal parse_scientific(std::string_view text) {
  Decimal out;
  out.negative = text.starts_with('-');
  const size_t e = text.find('e');
  for (char c : text.substr(0, e))
    if (c >= '0' && c <= '9') out.digits += c;
  const char* exponent = text.data() + e + 1;
  std::from_chars(exponent + (*exponent == '+'), text.data() + text.size(), out.exponent);
  return out;
}

// std::to_chars into a string; `format` holds its format and precision, if any.
template <class F, class... Format>
std::string chars(F value, Format... format) {
  std::array<char, 400> buffer;  // 309 digits before the point and kPrecision after it fit
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format...);
  return {buffer.data(), result.ptr};
}

// The fewest digits that read back as the same T.
template <class T>
Decimal shortest(T value) {
  if constexpr (std::floating_point<T>) {
    return parse_scientific(chars(value, std::chars_format::scientific));
  } else {  // 16 bits: correctly rounded to as many digits as it takes
    const float wide = value;
    for (int precision = 0;; ++precision) {
      const std::string candidate = chars(wide, std::chars_format::scientific, precision);
      float back = 0;
      std::from_chars(candidate.data(), candidate.data() + candidate.size(), back);
      if (T(back).bits == value.bits) return parse_scientific(candidate);
    }
  }
}

template <class T>
auto widen(T value) {
  if constexpr (std::floating_point<T>) return value;
  else return static_cast<float>(value);
}

/// The two sides of a decimal point, and what follows them.
struct Parts {
  std::string whole, fraction;
  int exponent = 0;

  void trim() { fraction.erase(fraction.find_last_not_of('0') + 1); }
};

Parts split_at_point(std::string_view text) {
  const size_t point = text.find('.');
  Parts out{std::string(text.substr(0, point)), std::string(point == text.npos ? "" : text.substr(point + 1))};
  out.trim();
  return out;
}

// 12.5, with `least` to `most` decimals; a negative `least` leaves digits before the point rounded too (4110 for a float16 4112).
template <class T>
Parts positional(T value, int least, int most) {
  const Decimal d = shortest(value);
  if (const int decimals = std::clamp(d.decimals(), least, most); decimals != d.decimals())
    return split_at_point(chars(widen(value), std::chars_format::fixed, decimals));
  Parts out;
  std::string digits = d.digits;
  if (d.exponent < 0) digits.insert(0, static_cast<size_t>(-d.exponent), '0');
  const size_t whole = static_cast<size_t>(std::max(d.exponent, 0)) + 1;
  if (digits.size() < whole) digits.append(whole - digits.size(), '0');
  out.whole = (d.negative ? "-" : "") + digits.substr(0, whole);
  out.fraction = digits.substr(whole);
  out.trim();
  return out;
}

// 1.25e+01, with `least` to `most` decimals.
template <class T>
Parts scientific(T value, int least, int most) {
  Decimal d = shortest(value);
  const int decimals = static_cast<int>(d.digits.size()) - 1, wanted = std::clamp(decimals, least, most);
  if (wanted != decimals) d = parse_scientific(chars(widen(value), std::chars_format::scientific, wanted));
  return {(d.negative ? "-" : "") + d.digits.substr(0, 1), d.digits.substr(1), d.exponent};
}

std::string exponent_text(int exponent, size_t width) {
  const std::string digits = std::to_string(std::abs(exponent));
  return (exponent < 0 ? "e-" : "e+") + std::string(width - std::min(width, digits.size()), '0') + digits;
}

template <class T>
std::string not_finite(T value) {
  return std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
}

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}

// Formats: see every element that will be shown, then write them all to one width.

template <class T>
class Format {  // integers and booleans
 public:
  void see(T value) { width_ = std::max(width_, word(value).size()); }
  void decide() {
    if constexpr (std::same_as<T, bool>) width_ = 5;
  }
  void look(T) {}
  std::string operator()(T value) const { return padded(word(value), width_); }

  /// A 0-dim tensor.
  static std::string word(T value) {
    if constexpr (std::same_as<T, bool>) return value ? "True" : "False";
    else return std::to_string(value);
  }

 private:
  size_t width_ = 0;
};

template <class T>
requires kFloating<T>
class Format<T> {
  using Wide = decltype(widen(T()));

 public:
  // First round: the range, which chooses between 0.001 and 1.e-03.
  void see(T value) {
    const Wide x = std::abs(widen(value));
    if (!std::isfinite(x) || x == 0) return;
    smallest_ = std::min(smallest_, x);
    largest_ = std::max(largest_, x);
  }
  void decide() {
    if (largest_ == 0) return;
    const auto ratio = static_cast<double>(widen(static_cast<T>(largest_ / smallest_)));
    scientific_ = static_cast<double>(largest_) >= 1e8 || static_cast<double>(smallest_) < 1e-4 || ratio > 1000;
  }
  // Second round: the widths on both sides of the point.
  void look(T value) {
    if (!std::isfinite(widen(value))) {
      longest_word_ = std::max(longest_word_, not_finite(widen(value)).size());
      return;
    }
    Parts p = parts(value, 0);
    p.trim();
    whole_ = std::max(whole_, p.whole.size());
    fraction_ = std::max(fraction_, p.fraction.size());
    if (scientific_) exponent_ = std::max(exponent_, std::to_string(std::abs(p.exponent)).size());
  }
  std::string operator()(T value) const {
    const size_t tail = scientific_ ? fraction_ + 2 + exponent_ : fraction_;
    const size_t whole = std::max(whole_, longest_word_ - std::min(longest_word_, tail + 1));
    if (!std::isfinite(widen(value))) return padded(not_finite(widen(value)), whole + 1 + tail);
    Parts p = parts(value, static_cast<int>(fraction_));
    p.fraction.resize(fraction_, ' ');
    std::string out = padded(std::move(p.whole), whole) + '.' + p.fraction;
    return scientific_ ? out + exponent_text(p.exponent, exponent_) : out;
  }

  /// A 0-dim tensor: as many digits as the value has.
  static std::string word(T value) {
    const Wide x = widen(value);
    if (!std::isfinite(x)) return not_finite(x);
    const auto magnitude = std::abs(static_cast<double>(x));
    if (magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e16)) {
      const Parts p = positional(value, -kAll, kAll);
      return p.whole + '.' + (p.fraction.empty() ? "0" : p.fraction);
    }
    const Parts p = scientific(value, 0, kAll);
    return p.whole + (p.fraction.empty() ? "" : '.' + p.fraction) + exponent_text(p.exponent, 2);
  }

 private:
  // NumPy fills a mantissa up with true digits, decimals after a point with blanks.
  Parts parts(T value, int mantissa) const {
    return scientific_ ? scientific(value, mantissa, std::max(mantissa, kPrecision)) : positional(value, 0, kPrecision);
  }

  Wide smallest_ = std::numeric_limits<Wide>::infinity(), largest_ = 0;
  bool scientific_ = false;
  size_t whole_ = 0, fraction_ = 0, exponent_ = 2, longest_word_ = 0;
};

// Layout.

template <class T>
class Printer {
 public:
  Printer(const detail::TensorImpl& x, std::string& out) : x_(x), out_(out), elide_(x.size > kThreshold) {}

  void print() {
    if (x_.size == 0) return void(out_ += "[]");
    const T* data = x_.as<T>();
    if (x_.ndim() == 0) return void(out_ += Format<T>::word(*data));
    each_shown(data, 0, [&](T value) { format_.see(value); });
    format_.decide();
    each_shown(data, 0, [&](T value) { format_.look(value); });
    block(data, 0);
  }

 private:
  // Calls entry(i) for the indices of an axis that are shown, and gap() where some are left out.
  template <class Entry, class Gap>
  void walk(int axis, const Entry& entry, const Gap& gap) const {
    const int64_t n = x_.shape[axis];
    const bool cut = elide_ && n > 2 * kEdge;
    for (int64_t i = 0; i < n; ++i) {
      if (cut && i == kEdge) {
        gap();
        i = n - kEdge;
      }
      entry(i);
    }
  }
  template <class F>
  void each_shown(const T* data, int axis, const F& f) const {
    if (axis == x_.ndim()) return f(*data);
    walk(
        axis, [&](int64_t i) { each_shown(data + i * x_.stride(axis), axis + 1, f); }, [] {});
  }

  void block(const T* data, int axis) {
    put("[");
    if (axis == x_.ndim() - 1) row(data, axis);
    else blocks(data, axis);
    put("]");
  }
  void blocks(const T* data, int axis) {
    const auto separate = [&](int64_t i) {
      if (i > 0) new_lines(x_.ndim() - 1 - axis, axis);
    };
    const auto entry = [&](int64_t i) {
      separate(i);
      block(data + i * x_.stride(axis), axis + 1);
    };
    walk(axis, entry, [&] {
      separate(kEdge);
      put("...");
    });
  }
  void row(const T* data, int axis) {
    // One column is left for each bracket that may close here.
    const size_t width = kLineWidth - static_cast<size_t>(axis) - 1, indent = static_cast<size_t>(axis) + 1;
    const auto word = [&](std::string_view text, bool first) {
      if (!first) put(" ");
      if (column_ + text.size() > width && column_ > indent) {
        const size_t end = out_.find_last_not_of(' ') + 1;
        out_.erase(end);
        new_lines(1, axis);
      }
      put(text);
    };
    walk(
        axis, [&](int64_t i) { word(format_(data[i * x_.stride(axis)]), i == 0); }, [&] { word("...", false); });
  }

  void put(std::string_view text) {
    out_ += text;
    column_ += text.size();
  }
  void new_lines(int count, int axis) {
    out_.append(static_cast<size_t>(count), '\n');
    column_ = 0;
    put(std::string(static_cast<size_t>(axis) + 1, ' '));
  }

  const detail::TensorImpl& x_;
  std::string& out_;
  bool elide_;
  size_t column_ = 0;
  Format<T> format_;
};

}  // namespace

std::string to_string(const Tensor& tensor) {
  if (!tensor.defined()) {
    const std::string reason = tensor.missing_reason();
    return reason.empty() ? "undefined" : "undefined (" + reason + ")";
  }
  std::string out;
  visit_dtype(tensor.dtype(), [&]<class T> { Printer<T>(tensor.impl(), out).print(); });
  return out;
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << to_string(tensor); }

}  // namespace gradus
