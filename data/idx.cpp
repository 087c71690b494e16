#include "data/idx.h"

#include <algorithm>
#include <array>

#include "data/readers.h"

namespace gradus::data {
namespace {

struct Code {
  uint8_t code;
  DType dtype;
};
constexpr std::array<Code, 4> kCodes{
    {{0x08, DType::uint8}, {0x0c, DType::int32}, {0x0d, DType::float32}, {0x0e, DType::float64}}};

using Word = std::array<uint8_t, 4>;

int64_t big_endian(const Word& w) { return int64_t{w[0]} << 24 | int64_t{w[1]} << 16 | int64_t{w[2]} << 8 | w[3]; }
Word big_endian(int64_t n) {
  return {static_cast<uint8_t>(n >> 24), static_cast<uint8_t>(n >> 16), static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)};
}

Tensor parse(io::ByteReader& in) {
  const io::Origin& origin = in.origin();
  Word magic;
  in.read_exactly(magic.data(), 4, "the header");
  if (magic[0] != 0 || magic[1] != 0)
    origin.fail("not an IDX file; got first bytes ", int{magic[0]}, " ", int{magic[1]}, ", expected 0 0");
  const auto* entry = std::ranges::find(kCodes, magic[2], &Code::code);
  if (entry == kCodes.end())
    origin.fail("unsupported element type; got code ", int{magic[2]},
                ", expected 8 (uint8), 12 (int32), 13 (float32) or 14 (float64)");
  const int rank = magic[3];
  if (rank > kMaxRank) origin.fail("too many dimensions; got ", rank, ", expected at most ", kMaxRank);

  Shape shape;
  for (int i = 0; i < rank; ++i) {
    Word dimension;
    in.read_exactly(dimension.data(), 4, "the header");
    shape.push_back(big_endian(dimension));
  }
  Tensor out = io::read_tensor(in, shape, entry->dtype, std::endian::big);
  in.expect_end();
  return out;
}

}  // namespace

Tensor io::read_idx(const ByteSource& source) { return parse(PlainOrGzip(source).reader()); }

Tensor load_idx(const std::string& path) { return io::read_idx(io::FileSource({"load_idx", path})); }

void save_idx(const std::string& path, const Tensor& tensor) {
  const auto* entry = std::ranges::find(kCodes, tensor.dtype(), &Code::dtype);
  if (entry == kCodes.end())
    fail<DTypeError>("save_idx", "no IDX code for the dtype; got ", tensor.dtype(),
                     ", expected uint8, int32, float32 or float64; use astype or save_npy");
  if (tensor.ndim() == 0) fail<ShapeError>("save_idx", "no dimensions; got shape [], expected rank 1 to 8");

  std::vector<std::byte> bytes;
  auto append = [&](const void* data, int64_t n) {
    const auto* from = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), from, from + n);
  };
  const Word magic{0, 0, entry->code, static_cast<uint8_t>(tensor.ndim())};
  append(magic.data(), 4);
  for (int64_t d : tensor.shape()) {
    if (d > int64_t{0xffffffff})
      fail<ShapeError>("save_idx", "dimension too large; got shape ", tensor.shape(), ", expected at most 2^32 - 1");
    append(big_endian(d).data(), 4);
  }

  io::AtomicFile file({"save_idx", path});
  if (path.ends_with(".gz")) {
    io::write_tensor(tensor, std::endian::big, append);
    bytes = io::deflate_bytes(file.origin(), bytes, io::Compression::gzip);
    file.write(bytes.data(), static_cast<int64_t>(bytes.size()));
  } else {
    file.write(bytes.data(), static_cast<int64_t>(bytes.size()));
    io::write_tensor(tensor, std::endian::big, [&](const void* data, int64_t n) { file.write(data, n); });
  }
  file.commit();
}

}  // namespace gradus::data
