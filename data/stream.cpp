#include "data/stream.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

namespace gradus::data::io {
namespace {

constexpr int64_t kLargestRatio = 1032;  // deflate's longest match, 258 bytes, from 2 bits
constexpr int64_t kInputBlock = int64_t{1} << 16;

int window_bits(Compression compression) { return compression == Compression::gzip ? 15 + 16 : -15; }

uInt zlib_size(int64_t n) { return static_cast<uInt>(std::min<int64_t>(n, std::numeric_limits<int32_t>::max())); }

}  // namespace

void ByteReader::read_exactly(void* out, int64_t n, std::string_view what) {
  const int64_t got = read(out, n);
  if (got != n) origin_->fail(what, " is cut short; got ", got, " bytes, expected ", n);
}

void ByteReader::expect_end() {
  std::byte extra;
  if (read(&extra, 1) == 0) return;
  origin_->fail("data after the end; got at least 1 byte more than the header declares, expected none");
}

SectionReader::SectionReader(const ByteSource& source, int64_t begin, int64_t length)
    : ByteReader(source.origin()), source_(&source), position_(begin), end_(begin + length) {
  if (begin < 0 || length < 0 || begin > source.size() || length > source.size() - begin)
    origin().fail("a section reaches beyond the end of the file; got ", source.size(), " bytes, expected ", length, " at offset ",
                  begin);
}

int64_t SectionReader::read(void* out, int64_t n) {
  const int64_t take = std::min(n, end_ - position_);
  source_->read_at(position_, out, take, "data");
  position_ += take;
  return take;
}

struct InflateReader::State {
  ByteReader& in;
  Compression compression;
  z_stream stream{};
  bool ended = false;  // at the end of a member
  std::array<std::byte, kInputBlock> input;
};

InflateReader::InflateReader(ByteReader& in, Compression compression)
    : ByteReader(in.origin()), state_(new State{in, compression, {}, false, {}}) {
  if (inflateInit2(&state_->stream, window_bits(compression)) != Z_OK) throw std::bad_alloc();
}

InflateReader::~InflateReader() { inflateEnd(&state_->stream); }

int64_t InflateReader::at_most() const {
  const int64_t packed = state_->in.at_most() + static_cast<int64_t>(state_->stream.avail_in);
  int64_t bound;
  if (__builtin_mul_overflow(packed, kLargestRatio, &bound)) return std::numeric_limits<int64_t>::max();
  return bound + std::min(kInputBlock, std::numeric_limits<int64_t>::max() - bound);  // plus what zlib holds back
}

// False when the compressed data are at their end.
bool InflateReader::refill() {
  State& s = *state_;
  if (s.stream.avail_in > 0) return true;
  const int64_t got = s.in.read(s.input.data(), kInputBlock);
  s.stream.next_in = reinterpret_cast<Bytef*>(s.input.data());
  s.stream.avail_in = static_cast<uInt>(got);
  return got > 0;
}

int64_t InflateReader::read(void* out, int64_t n) {
  State& s = *state_;
  int64_t done = 0;
  while (done < n) {
    const bool more = refill();
    if (s.ended) {
      if (!more) break;
      if (s.compression == Compression::deflate) origin().fail("bytes after the compressed data; got at least 1, expected none");
      inflateReset(&s.stream);  // the next member; anything else fails its check of the first two bytes
      s.ended = false;
    }
    s.stream.next_out = static_cast<Bytef*>(out) + done;
    s.stream.avail_out = zlib_size(n - done);
    const uInt room = s.stream.avail_out;
    const int status = inflate(&s.stream, Z_NO_FLUSH);
    done += room - s.stream.avail_out;
    if (status == Z_STREAM_END) {
      s.ended = true;
    } else if (status == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      origin().fail("corrupt compressed data; got \"", s.stream.msg ? s.stream.msg : "a preset dictionary", "\" after ",
                    static_cast<uint64_t>(s.stream.total_out), " decompressed bytes, expected valid ",
                    s.compression == Compression::gzip ? "gzip" : "deflate");
    } else if (!more && s.stream.avail_out > 0) {
      origin().fail("compressed data are cut short; got their end after ", static_cast<uint64_t>(s.stream.total_out),
                    " decompressed bytes, expected ", n - done, " more and a checksum");
    }
  }
  return done;
}

std::vector<std::byte> deflate_bytes(const Origin& origin, std::span<const std::byte> bytes, Compression compression) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits(compression), 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> closer(&stream, &deflateEnd);

  std::vector<std::byte> out(deflateBound(&stream, bytes.size()));
  size_t consumed = 0, produced = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    const uInt in = zlib_size(static_cast<int64_t>(bytes.size() - consumed));
    const uInt room = zlib_size(static_cast<int64_t>(out.size() - produced));
    // zlib's interface predates const; it does not write to its input
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data() + consumed));
    stream.avail_in = in;
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + produced);
    stream.avail_out = room;
    status = deflate(&stream, consumed + in == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
    consumed += in - stream.avail_in;
    produced += room - stream.avail_out;
  }
  if (status != Z_STREAM_END) origin.fail("cannot compress; got zlib status ", status, ", expected the end of the stream");
  out.resize(produced);
  return out;
}

PlainOrGzip::PlainOrGzip(const ByteSource& source) : plain_(source) {
  std::array<uint8_t, 2> first{};
  if (source.size() >= 2) source.read_at(0, first.data(), 2, "the header");
  if (first == std::array<uint8_t, 2>{0x1f, 0x8b}) unpacked_ = std::make_unique<InflateReader>(plain_, Compression::gzip);
}

std::string read_all(ByteReader& in) {
  std::string out;
  for (int64_t n = kInputBlock;; n *= 2) {  // grows with what is really there, whatever a header promises
    const size_t before = out.size();
    out.resize(before + static_cast<size_t>(n));
    const int64_t got = in.read(out.data() + before, n);
    out.resize(before + static_cast<size_t>(got));
    if (got < n) return out;
  }
}

int64_t tensor_bytes(const Origin& origin, const Shape& shape, DType dtype) {
  int64_t bytes = size_of(dtype);
  bool empty = false;
  for (int64_t d : shape) {
    if (d < 0) origin.fail("negative dimension; got shape ", shape, ", expected dimensions of 0 or more");
    // As for any tensor, the dimensions beside a zero must be representable together.
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(d, 1), &bytes))
      origin.fail("the size overflows; got shape ", shape, " of ", dtype, ", expected fewer than 2^63 bytes");
    empty |= d == 0;
  }
  return empty ? 0 : bytes;
}

void swap_bytes(std::byte* data, int64_t count, int64_t width) {
  if (width == 1) return;
  for (int64_t i = 0; i < count; ++i) std::reverse(data + i * width, data + (i + 1) * width);
}

Tensor read_tensor(ByteReader& in, const Shape& shape, DType dtype, std::endian order) {
  const Origin& origin = in.origin();
  const int64_t bytes = tensor_bytes(origin, shape, dtype);
  if (bytes > in.at_most())
    origin.fail("data are cut short; got at most ", in.at_most(), " bytes, expected ", bytes, " for shape ", shape, " of ",
                dtype);

  Tensor out = gradus::detail::empty(origin.op, shape, dtype);
  std::byte* data = out.impl().data;
  in.read_exactly(data, bytes, "data");
  if (order != std::endian::native) swap_bytes(data, out.size(), size_of(dtype));
  if (dtype == DType::boolean) {
    const std::byte* wrong = std::find_if(data, data + bytes, [](std::byte b) { return b > std::byte{1}; });
    if (wrong != data + bytes)
      origin.fail("not a boolean; got byte ", static_cast<int>(*wrong), " at element ", wrong - data, ", expected 0 or 1");
  }
  return out;
}

}  // namespace gradus::data::io
