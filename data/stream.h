// Bytes in order: parts of a source, decompressed on the way or not, and tensors made from them. Internal.
//
// A reader belongs to one thread and refers to the source or reader under it, which must outlive it.
#pragma once

#include <algorithm>
#include <bit>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "autograd/tensor.h"
#include "data/file.h"

namespace gradus::data::io {

class ByteReader {
 public:
  explicit ByteReader(const Origin& origin) : origin_(&origin) {}
  ByteReader(const ByteReader&) = delete;
  ByteReader& operator=(const ByteReader&) = delete;
  virtual ~ByteReader() = default;

  const Origin& origin() const { return *origin_; }
  /// Up to n bytes; fewer only at the end. Returns their number.
  virtual int64_t read(void* out, int64_t n) = 0;
  /// No more than this many bytes can still come; checked before memory is asked for.
  virtual int64_t at_most() const = 0;

  /// Exactly n bytes; IoError naming `what` when the data end before them.
  void read_exactly(void* out, int64_t n, std::string_view what);
  /// IoError when anything is left.
  void expect_end();

 private:
  const Origin* origin_;
};

/// The bytes [begin, begin + length) of a source, all of it by default. IoError when the source is shorter.
class SectionReader final : public ByteReader {
 public:
  explicit SectionReader(const ByteSource& source) : SectionReader(source, 0, source.size()) {}
  SectionReader(const ByteSource& source, int64_t begin, int64_t length);

  int64_t read(void* out, int64_t n) override;
  int64_t at_most() const override { return end_ - position_; }

 private:
  const ByteSource* source_;
  int64_t position_, end_;
};

enum class Compression : uint8_t { gzip, deflate };

/// Decompresses `in`. gzip: any number of members, each with its CRC-32 and length verified; deflate: one raw stream.
/// IoError for data that are corrupt, cut short or followed by anything else.
class InflateReader final : public ByteReader {
 public:
  InflateReader(ByteReader& in, Compression compression);
  ~InflateReader() override;

  int64_t read(void* out, int64_t n) override;
  int64_t at_most() const override;

 private:
  struct State;
  bool refill();

  std::unique_ptr<State> state_;
};

/// Compressed by zlib at its default level.
std::vector<std::byte> deflate_bytes(const Origin& origin, std::span<const std::byte> bytes, Compression compression);

/// A reader of all of a source: decompressed if it begins as gzip does, as it is otherwise.
class PlainOrGzip {
 public:
  explicit PlainOrGzip(const ByteSource& source);
  ByteReader& reader() { return unpacked_ ? static_cast<ByteReader&>(*unpacked_) : plain_; }

 private:
  SectionReader plain_;
  std::unique_ptr<InflateReader> unpacked_;
};

/// Everything that is left.
std::string read_all(ByteReader& in);

/// Bytes that a tensor of these dimensions takes. IoError when a dimension is negative or the product overflows.
int64_t tensor_bytes(const Origin& origin, const Shape& shape, DType dtype);

/// A tensor from the next bytes, row-major, in the given byte order. Nothing is allocated before the size is known to be there.
/// IoError for too few bytes and for booleans other than 0 and 1.
Tensor read_tensor(ByteReader& in, const Shape& shape, DType dtype, std::endian order);

/// Calls sink(const void*, int64_t) with the elements row by row in the given byte order, a bounded block at a time.
template <class Sink>
void write_tensor(const Tensor& tensor, std::endian order, Sink&& sink);

/// Reverses the bytes of each element.
void swap_bytes(std::byte* data, int64_t count, int64_t width);

template <class Sink>
void write_tensor(const Tensor& tensor, std::endian order, Sink&& sink) {
  const Tensor rows = tensor.contiguous();
  const int64_t width = size_of(rows.dtype());
  const int64_t bytes = rows.size() * width;
  const std::byte* data = rows.impl().data;
  if (order == std::endian::native || width == 1) {
    if (bytes > 0) sink(static_cast<const void*>(data), bytes);
    return;
  }
  std::vector<std::byte> block;
  for (int64_t done = 0; done < bytes;) {
    const int64_t n = std::min(bytes - done, int64_t{1} << 16);  // a multiple of every width
    block.assign(data + done, data + done + n);
    swap_bytes(block.data(), n / width, width);
    sink(static_cast<const void*>(block.data()), n);
    done += n;
  }
}

}  // namespace gradus::data::io
