#include "data/safetensors.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "data/readers.h"

namespace gradus::data {
namespace {

constexpr int64_t kLengthBytes = 8;
constexpr int64_t kLongestHeader = 100'000'000;
constexpr std::string_view kMetadata = "__metadata__";

/// The format's names, in the order of DType.
constexpr std::array<std::string_view, 8> kNames{"BOOL", "U8", "I32", "I64", "F16", "BF16", "F32", "F64"};

struct Entry {
  std::string name;
  DType dtype = DType::float32;
  Shape shape;
  int64_t begin = 0, end = 0;
};

// Follows the header's JSON event by event: nothing but the format's own structure is accepted, at any depth, and a repeated key
// is seen, which a parsed document would hide.
class HeaderHandler {
 public:
  explicit HeaderHandler(const io::Origin& origin) : origin_(origin) {}

  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;

  bool start_object(size_t) {
    if (state_ == State::start) state_ = State::top;
    else if (state_ == State::top_value) state_ = key_ == kMetadata ? State::metadata : State::tensor;
    else wrong("an object");
    return true;
  }
  bool key(std::string& name) {
    key_ = name;
    if (state_ == State::top) {
      if (name == kMetadata ? std::exchange(has_metadata_, true) : !names_.insert(name).second) repeated();
      name_ = name;
      state_ = State::top_value;
    } else if (state_ == State::metadata) {
      if (metadata.contains(name)) repeated();
      state_ = State::metadata_value;
    } else {  // of a tensor
      if (name == "dtype") once(dtype_.has_value()), state_ = State::dtype;
      else if (name == "shape") once(shape_.has_value()), state_ = State::shape;
      else if (name == "data_offsets") once(offsets_.has_value()), state_ = State::offsets;
      else origin_.fail("unknown field of a tensor; got ", name, ", expected dtype, shape and data_offsets");
    }
    return true;
  }
  bool string(std::string& value) {
    if (state_ == State::metadata_value) {
      metadata.emplace(key_, value);
      state_ = State::metadata;
    } else if (state_ == State::dtype) {
      const auto* known = std::ranges::find(kNames, value);
      if (known == kNames.end())
        origin_.fail("unsupported dtype; got ", value, ", expected BOOL, U8, I32, I64, F16, BF16, F32 or F64");
      dtype_ = static_cast<DType>(known - kNames.begin());
      state_ = State::tensor;
    } else {
      wrong("a string");
    }
    return true;
  }
  bool start_array(size_t) {
    if (state_ == State::shape) shape_.emplace(), state_ = State::shape_list;
    else if (state_ == State::offsets) offsets_.emplace(), state_ = State::offsets_list;
    else wrong("a list");
    return true;
  }
  bool number_unsigned(uint64_t value) {
    if (value > static_cast<uint64_t>(INT64_MAX)) origin_.fail("number too large; got ", value, ", expected less than 2^63");
    const auto n = static_cast<int64_t>(value);
    if (state_ == State::shape_list) {
      if (shape_->ndim() == kMaxRank)
        origin_.fail("too many dimensions; got more than ", kMaxRank, ", expected at most ", kMaxRank);
      shape_->push_back(n);
    } else if (state_ == State::offsets_list) {
      if (offsets_->size() == 2) origin_.fail("malformed data_offsets; got more than 2 numbers, expected [begin, end]");
      offsets_->push_back(n);
    } else {
      wrong("a number");
    }
    return true;
  }
  bool end_array() {
    if (state_ == State::offsets_list && offsets_->size() != 2)
      origin_.fail("malformed data_offsets; got ", offsets_->size(), " numbers, expected [begin, end]");
    state_ = State::tensor;
    return true;
  }
  bool end_object() {
    if (state_ == State::tensor) finish_tensor();
    state_ = state_ == State::top ? State::done : State::top;
    return true;
  }
  bool null() { wrong("null"); }
  bool boolean(bool) { wrong("a boolean"); }
  bool number_integer(int64_t) { wrong("a negative number"); }
  bool number_float(double, const std::string&) { wrong("a fraction"); }
  bool binary(std::vector<uint8_t>&) { wrong("binary data"); }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& error) {
    const std::string_view what = error.what();  // "[json.exception...] parse error at line 1, column 2: why"
    const size_t why = what.find(": ");
    origin_.fail("the header is not valid JSON; got \"", why == what.npos ? what : what.substr(why + 2), "\" at byte ", position,
                 ", expected an object of tensors");
  }

 private:
  enum class State : uint8_t {
    start,
    top,
    top_value,
    metadata,
    metadata_value,
    tensor,
    dtype,
    shape,
    shape_list,
    offsets,
    offsets_list,
    done
  };

  [[noreturn]] void wrong(std::string_view got) const {
    constexpr std::array<std::string_view, 12> kExpected{"an object",   "a name",  "an object",    "a name",
                                                         "a string",    "a field", "a dtype name", "a list",
                                                         "a dimension", "a list",  "an offset",    "the end"};
    origin_.fail("malformed header; got ", got, key_.empty() ? "" : " for ", key_, ", expected ",
                 kExpected[static_cast<size_t>(state_)]);
  }
  [[noreturn]] void repeated() const { origin_.fail("a key repeats; got ", key_, " twice, expected keys once each"); }
  void once(bool seen) const {
    if (seen) repeated();
  }
  void finish_tensor() {
    if (!dtype_ || !shape_ || !offsets_)
      origin_.fail("incomplete tensor; got ", name_, " without ",
                   !dtype_   ? "dtype"
                   : !shape_ ? "shape"
                             : "data_offsets",
                   ", expected dtype, shape and data_offsets");
    const Entry entry{name_, *dtype_, *shape_, (*offsets_)[0], (*offsets_)[1]};
    const int64_t bytes = io::tensor_bytes(origin_, entry.shape, entry.dtype);
    if (entry.end < entry.begin || entry.end - entry.begin != bytes)
      origin_.fail("size and shape differ; got ", name_, " at bytes ", entry.begin, " to ", entry.end, ", expected ", bytes,
                   " bytes for shape ", entry.shape, " of ", entry.dtype);
    entries.push_back(entry);
    dtype_.reset(), shape_.reset(), offsets_.reset();
  }

  const io::Origin& origin_;
  State state_ = State::start;
  std::string key_, name_;  // the last key; the tensor it belongs to
  bool has_metadata_ = false;
  std::set<std::string> names_;
  std::optional<DType> dtype_;
  std::optional<Shape> shape_;
  std::optional<std::vector<int64_t>> offsets_;
};

// The data section is covered exactly once, in the order of the offsets.
void check_layout(const io::Origin& origin, std::vector<Entry>& entries, int64_t data_bytes) {
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
  int64_t end = 0;
  for (const Entry& e : entries) {
    if (e.begin != end)
      origin.fail(e.begin < end ? "tensors overlap" : "a hole between tensors", "; got ", e.name, " at byte ", e.begin,
                  ", expected ", end);
    end = e.end;
  }
  if (end != data_bytes)
    origin.fail(end > data_bytes ? "data are cut short" : "data after the last tensor", "; got ", data_bytes, " bytes, expected ",
                end);
}

struct Layout {
  std::string header;                // JSON, padded
  std::vector<const Tensor*> order;  // of the data
};

Layout lay_out(const std::map<std::string, Tensor>& tensors, const std::map<std::string, std::string>& metadata) {
  using Item = std::map<std::string, Tensor>::value_type;
  std::vector<const Item*> items;
  for (const Item& item : tensors) items.push_back(&item);
  std::ranges::stable_sort(items, [](const Item* a, const Item* b) {  // the wide ones first: everything stays aligned
    return size_of(a->second.dtype()) > size_of(b->second.dtype());
  });

  Layout out;
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  int64_t begin = 0;
  for (const Item* item : items) {
    const auto& [name, tensor] = *item;
    if (name == kMetadata) fail<ValueError>("save_safetensors", "reserved name; got ", name, ", expected another");
    const int64_t end = begin + tensor.size() * size_of(tensor.dtype());
    header[name] = {{"dtype", kNames[static_cast<size_t>(tensor.dtype())]},
                    {"shape", std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end())},
                    {"data_offsets", {begin, end}}};
    out.order.push_back(&tensor);
    begin = end;
  }
  try {
    out.header = header.dump();
  } catch (const nlohmann::json::type_error&) {
    fail<ValueError>("save_safetensors", "text is not UTF-8; got invalid bytes in a name or in the metadata, expected UTF-8");
  }
  out.header.append((8 - out.header.size() % 8) % 8, ' ');
  if (out.header.size() > static_cast<size_t>(kLongestHeader))
    fail<ValueError>("save_safetensors", "header too long; got ", out.header.size(), " bytes, expected at most ", kLongestHeader);
  return out;
}

}  // namespace

SafeTensors io::read_safetensors(const ByteSource& source) {
  const Origin& origin = source.origin();
  SectionReader in(source);
  std::array<uint8_t, kLengthBytes> length_bytes;
  in.read_exactly(length_bytes.data(), kLengthBytes, "the header");
  uint64_t length = 0;
  for (size_t i = length_bytes.size(); i-- > 0;) length = length << 8 | length_bytes[i];
  if (length > static_cast<uint64_t>(kLongestHeader))
    origin.fail("header too long; got ", length, " bytes, expected at most ", kLongestHeader);
  if (length > static_cast<uint64_t>(in.at_most()))
    origin.fail("the header is cut short; got ", in.at_most(), " bytes, expected ", length);
  std::string header(length, '\0');
  in.read_exactly(header.data(), static_cast<int64_t>(length), "the header");
  if (!header.starts_with('{')) origin.fail("malformed header; got another first byte, expected '{'");

  HeaderHandler handler(origin);
  nlohmann::json::sax_parse(header, &handler);
  check_layout(origin, handler.entries, in.at_most());

  SafeTensors out{{}, std::move(handler.metadata)};
  for (const Entry& e : handler.entries) out.tensors.emplace(e.name, read_tensor(in, e.shape, e.dtype, std::endian::little));
  return out;
}

SafeTensors load_safetensors(const std::string& path) { return io::read_safetensors(io::FileSource({"load_safetensors", path})); }

void save_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  const Layout layout = lay_out(tensors, metadata);
  io::AtomicFile file({"save_safetensors", path});
  std::array<uint8_t, kLengthBytes> length_bytes;
  for (size_t i = 0; i < length_bytes.size(); ++i) length_bytes[i] = static_cast<uint8_t>(layout.header.size() >> (8 * i));
  file.write(length_bytes.data(), kLengthBytes);
  file.write(layout.header);
  for (const Tensor* tensor : layout.order)
    io::write_tensor(*tensor, std::endian::little, [&](const void* data, int64_t n) { file.write(data, n); });
  file.commit();
}

}  // namespace gradus::data
