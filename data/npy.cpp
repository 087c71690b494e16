#include "data/npy.h"

#include <algorithm>
#include <array>
#include <optional>

#include "autograd/ops.h"
#include "data/readers.h"

namespace gradus::data {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr int64_t kLongestHeader = 1 << 16;  // eight dimensions take less than 300 characters
constexpr size_t kAlignment = 64;

struct Header {
  std::string descr;
  bool fortran_order = false;
  Shape shape;
};

// The Python dict literal in a header, and nothing else of Python: three known keys in any order.
class HeaderParser {
 public:
  HeaderParser(const io::Origin& origin, std::string_view text) : origin_(origin), text_(text) {}

  Header parse() {
    std::optional<std::string> descr;
    std::optional<bool> fortran_order;
    std::optional<Shape> shape;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !descr) {
        if (peek() == '[' || peek() == '(')
          origin_.fail("structured dtype; got ", text_.substr(at_, 40), ", expected one number type; save each field by itself");
        descr = string();
      } else if (key == "fortran_order" && !fortran_order) {
        fortran_order = boolean();
      } else if (key == "shape" && !shape) {
        shape = tuple();
      } else {
        wrong("descr, fortran_order and shape, once each");
      }
      if (!accept(',') && peek() != '}') wrong("',' or '}'");
    }
    skip_space();
    if (at_ != text_.size()) wrong("the end of the header");
    if (!descr || !fortran_order || !shape) wrong("descr, fortran_order and shape");
    return {*descr, *fortran_order, *shape};
  }

 private:
  [[noreturn]] void wrong(std::string_view expected) const {
    if (at_ >= text_.size()) origin_.fail("malformed header; got its end, expected ", expected);
    origin_.fail("malformed header; got byte ", int{static_cast<unsigned char>(text_[at_])}, " at ", at_, ", expected ",
                 expected);
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) wrong(std::string_view(&c, 1));
  }
  bool accept_word(std::string_view word) {
    skip_space();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') wrong("a string");
    const size_t end = text_.find(quote, at_ + 1);
    const std::string_view inside = text_.substr(at_ + 1, end == text_.npos ? text_.npos : end - at_ - 1);
    if (end == text_.npos || inside.find_first_of("\\\n") != text_.npos) wrong("a plain string on one line");
    at_ = end + 1;
    return std::string(inside);
  }
  bool boolean() {
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    wrong("True or False");
  }
  int64_t integer() {
    skip_space();
    const size_t begin = at_;
    int64_t n = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
      if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, text_[at_] - '0', &n)) wrong("a dimension below 2^63");
    if (at_ == begin) wrong("a dimension");
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // written by Python 2
    return n;
  }
  Shape tuple() {
    Shape shape;
    bool comma = true;
    expect('(');
    while (!accept(')')) {
      if (!comma) wrong("',' or ')'");
      if (shape.ndim() == kMaxRank)
        origin_.fail("too many dimensions; got more than ", kMaxRank, ", expected at most ", kMaxRank);
      shape.push_back(integer());
      comma = accept(',');
    }
    if (shape.ndim() == 1 && !comma) wrong("a tuple: (n,)");
    return shape;
  }

  const io::Origin& origin_;
  std::string_view text_;
  size_t at_ = 0;
};

struct Element {
  DType dtype;
  std::endian order;
};

Element element(const io::Origin& origin, std::string_view descr) {
  const char order = descr.empty() ? '\0' : descr[0];
  const std::string_view kind = descr.empty() ? descr : descr.substr(1);
  if (kind.starts_with('O'))
    origin.fail("object array; got ", descr, ", expected numbers; it holds a pickle, and reading one can run any code");
  for (size_t i = 0; i < kDTypes.size(); ++i) {
    const DTypeInfo& known = kDTypes[i];
    if (known.numpy.empty() || known.numpy.substr(1) != kind) continue;
    if (order == '<' || (known.size == 1 && order == '|')) return {static_cast<DType>(i), std::endian::little};
    if (order == '>') return {static_cast<DType>(i), std::endian::big};
    if (order == '=') return {static_cast<DType>(i), std::endian::native};
  }
  origin.fail("unsupported dtype; got \"", descr, "\", expected b1, u1, i4, i8, f2, f4 or f8; convert it in NumPy with astype");
}

}  // namespace

Tensor io::read_npy(ByteReader& in) {
  const Origin& origin = in.origin();
  std::array<char, 8> magic;
  in.read_exactly(magic.data(), 8, "the header");
  if (std::string_view(magic.data(), 6) != kMagic) origin.fail("not a .npy file; got other first bytes, expected \\x93NUMPY");
  const int version = magic[6];
  if (version < 1 || version > 3 || magic[7] != 0)
    origin.fail("unknown version; got ", version, ".", int{magic[7]}, ", expected 1.0, 2.0 or 3.0");

  std::array<uint8_t, 4> length_bytes{};  // two of them in version 1.0
  in.read_exactly(length_bytes.data(), version == 1 ? 2 : 4, "the header");
  const int64_t length =
      int64_t{length_bytes[3]} << 24 | int64_t{length_bytes[2]} << 16 | int64_t{length_bytes[1]} << 8 | length_bytes[0];
  if (length > kLongestHeader) origin.fail("header too long; got ", length, " bytes, expected at most ", kLongestHeader);
  if (length > in.at_most()) origin.fail("the header is cut short; got ", in.at_most(), " bytes, expected ", length);
  std::string text(static_cast<size_t>(length), '\0');
  in.read_exactly(text.data(), length, "the header");

  const Header header = HeaderParser(origin, text).parse();
  const Element type = element(origin, header.descr);
  Shape stored = header.shape;
  if (header.fortran_order) std::reverse(&stored[0], &stored[0] + stored.ndim());
  Tensor out = read_tensor(in, stored, type.dtype, type.order);
  in.expect_end();
  return header.fortran_order ? out.transpose().contiguous() : out;
}

std::string io::npy_preamble(std::string_view op, const Tensor& tensor) {
  const std::string_view descr = info(tensor.dtype()).numpy;
  if (descr.empty())
    fail<DTypeError>(op, "NumPy has no such dtype; got ", tensor.dtype(),
                     ", expected another; use astype(DType::float32) or save_safetensors");
  std::string shape;
  for (int64_t d : tensor.shape()) append_text(shape, d), shape += ", ";
  if (tensor.ndim() == 1) shape.pop_back();
  if (tensor.ndim() > 1) shape.resize(shape.size() - 2);

  std::string header = text("{'descr': '", descr, "', 'fortran_order': False, 'shape': (", shape, "), }");
  const size_t preamble = kMagic.size() + 4;  // version, length
  const size_t unpadded = preamble + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header += '\n';

  std::string out(kMagic);
  out += {'\x01', '\x00', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  return out + header;
}

Tensor load_npy(const std::string& path) {
  const io::FileSource file({"load_npy", path});
  io::SectionReader in(file);
  return io::read_npy(in);
}

void save_npy(const std::string& path, const Tensor& tensor) {
  const std::string preamble = io::npy_preamble("save_npy", tensor);
  io::AtomicFile file({"save_npy", path});
  file.write(preamble);
  io::write_tensor(tensor, std::endian::little, [&](const void* data, int64_t n) { file.write(data, n); });
  file.commit();
}

}  // namespace gradus::data
