// The .npz half of data/npy.h: a zip archive (PKWARE's APPNOTE, sections 4.3 and 4.4) whose members are .npy files.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "data/readers.h"

namespace gradus::data {
namespace {

constexpr uint32_t kLocalMagic = 0x04034b50, kCentralMagic = 0x02014b50, kEndMagic = 0x06054b50;
constexpr uint32_t kEnd64Magic = 0x06064b50, kLocator64Magic = 0x07064b50;
constexpr int64_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kLocator64Bytes = 20, kEnd64Bytes = 56;
constexpr int64_t kLongestComment = 0xffff;
constexpr uint64_t kIn64 = 0xffffffff;  // a 32-bit field whose value is in the 64-bit extra field
constexpr uint16_t kStored = 0, kDeflated = 8;
constexpr uint16_t kEncrypted = 1, kUtf8 = 1 << 11;
constexpr uint16_t kVersion = 20;       // needed to extract: deflate
constexpr uint16_t kDate = 1 << 5 | 1;  // 1 January 1980: the same tensors give the same bytes
constexpr size_t kLongestName = 60000;

// Little-endian numbers from a record, and into one.
uint64_t number(const std::byte* at, int bytes) {
  uint64_t n = 0;
  for (int i = bytes; i-- > 0;) n = n << 8 | std::to_integer<uint64_t>(at[i]);
  return n;
}
uint16_t u16(const std::byte* at) { return static_cast<uint16_t>(number(at, 2)); }
uint32_t u32(const std::byte* at) { return static_cast<uint32_t>(number(at, 4)); }

// Zeros beyond the eighth byte: several empty fields are written as one.
void put(std::vector<std::byte>& out, uint64_t n, int bytes) {
  for (int i = 0; i < bytes; ++i, n >>= 8) out.push_back(static_cast<std::byte>(n));
}
void put(std::vector<std::byte>& out, std::string_view text) {
  for (char c : text) out.push_back(static_cast<std::byte>(c));
}

// A relative path that stays inside its folder, on any system.
bool safe_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName || name.find_first_of(std::string_view("\\:\0", 3)) != name.npos) return false;
  for (size_t begin = 0, end; begin <= name.size(); begin = end + 1) {
    end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
  }
  return true;
}

struct Member {
  std::string name = {};
  uint16_t flags = 0, method = 0;
  uint32_t crc = 0;
  int64_t packed = 0, size = 0;  // bytes
  int64_t offset = 0;            // of the local header
  int64_t end = 0;               // of the data
};

// Where the central directory is: it reaches to the end record.
struct Directory {
  uint64_t offset = 0, bytes = 0, count = 0;
  uint64_t end = 0;  // where the end record begins; inside the file, so the other places are too
};

std::vector<std::byte> bytes_at(const io::ByteSource& file, uint64_t offset, uint64_t n, std::string_view what) {
  const auto size = static_cast<uint64_t>(file.size());
  if (offset > size || n > size - offset)
    file.origin().fail(what, " reaches beyond the end of the file; got ", size, " bytes, expected ", n, " at offset ", offset);
  std::vector<std::byte> out(n);
  file.read_at(static_cast<int64_t>(offset), out.data(), static_cast<int64_t>(n), what);
  return out;
}

// The 64-bit form, whose locator stands right before the end record at `end`.
Directory read_end64(const io::ByteSource& file, int64_t end) {
  const io::Origin& origin = file.origin();
  if (end < kLocator64Bytes) origin.fail("64-bit end record is missing; got offset ", end, ", expected 20 or more");
  const auto locator = bytes_at(file, static_cast<uint64_t>(end - kLocator64Bytes), kLocator64Bytes, "the 64-bit locator");
  if (u32(locator.data()) != kLocator64Magic) origin.fail("64-bit end record is missing; got no locator, expected one");
  const uint64_t at = number(locator.data() + 8, 8);
  const auto record = bytes_at(file, at, kEnd64Bytes, "the 64-bit end record");
  if (u32(record.data()) != kEnd64Magic) origin.fail("64-bit end record is missing; got other bytes, expected its signature");
  return {number(record.data() + 48, 8), number(record.data() + 40, 8), number(record.data() + 32, 8), at};
}

Directory find_directory(const io::ByteSource& file) {
  const io::Origin& origin = file.origin();
  const int64_t tail_bytes = std::min(file.size(), kEndBytes + kLongestComment);
  const int64_t tail_offset = file.size() - tail_bytes;
  const auto tail = bytes_at(file, static_cast<uint64_t>(tail_offset), static_cast<uint64_t>(tail_bytes), "the end record");
  for (int64_t i = tail_bytes - kEndBytes; i >= 0; --i) {
    const std::byte* record = tail.data() + i;
    if (u32(record) != kEndMagic || i + kEndBytes + u16(record + 20) != tail_bytes) continue;
    if (u16(record + 4) != 0 || u16(record + 6) != 0 || u16(record + 8) != u16(record + 10))
      origin.fail("archive in several parts; got part ", u16(record + 4), ", expected one file");
    Directory d{u32(record + 16), u32(record + 12), u16(record + 10), static_cast<uint64_t>(tail_offset + i)};
    if (d.count == 0xffff || d.bytes == kIn64 || d.offset == kIn64) d = read_end64(file, tail_offset + i);
    if (d.offset > d.end || d.bytes != d.end - d.offset)
      origin.fail("misplaced directory; got ", d.bytes, " bytes at offset ", d.offset, ", expected them to end at ", d.end);
    if (d.count > d.bytes / static_cast<uint64_t>(kCentralBytes))
      origin.fail("the directory is too small; got ", d.bytes, " bytes, expected room for ", d.count, " members");
    return d;
  }
  origin.fail("not a zip archive, or cut short; got ", file.size(), " bytes without an end record, expected one");
}

// Replaces the sizes that did not fit 32 bits by those of the 64-bit extra field.
void read_extra64(const io::Origin& origin, const std::string& name, std::span<const std::byte> extra,
                  std::array<uint64_t*, 3> fields) {
  while (extra.size() >= 4) {
    const uint16_t id = u16(extra.data()), size = u16(extra.data() + 2);
    extra = extra.subspan(4);
    if (size > extra.size()) break;
    if (id == 1) {
      std::span<const std::byte> values = extra.first(size);
      for (uint64_t* field : fields) {
        if (*field != kIn64 || values.size() < 8) continue;
        *field = number(values.data(), 8);
        values = values.subspan(8);
      }
      break;
    }
    extra = extra.subspan(size);
  }
  if (std::ranges::any_of(fields, [](const uint64_t* f) { return *f == kIn64; }))
    origin.fail("member ", name, ": 64-bit sizes are missing; got none, expected an extra field");
}

std::vector<Member> read_members(const io::ByteSource& file, const Directory& directory) {
  const io::Origin& origin = file.origin();
  const auto records = bytes_at(file, directory.offset, directory.bytes, "the directory");
  std::vector<Member> members;
  std::span<const std::byte> rest = records;
  for (uint64_t i = 0; i < directory.count; ++i) {
    if (rest.size() < static_cast<size_t>(kCentralBytes) || u32(rest.data()) != kCentralMagic)
      origin.fail("malformed directory; got ", i, " members, expected ", directory.count);
    const std::byte* r = rest.data();
    const size_t name_bytes = u16(r + 28), extra_bytes = u16(r + 30), comment_bytes = u16(r + 32);
    if (rest.size() - static_cast<size_t>(kCentralBytes) < name_bytes + extra_bytes + comment_bytes)
      origin.fail("malformed directory; got ", rest.size(), " bytes for member ", i, ", expected its name and fields");
    Member m{.flags = u16(r + 8), .method = u16(r + 10), .crc = u32(r + 16)};
    m.name.assign(reinterpret_cast<const char*>(r + kCentralBytes), name_bytes);
    uint64_t packed = u32(r + 20), size = u32(r + 24), offset = u32(r + 42);
    read_extra64(origin, m.name, rest.subspan(static_cast<size_t>(kCentralBytes) + name_bytes, extra_bytes),
                 {&size, &packed, &offset});
    const uint64_t limit = directory.offset;
    if (offset > limit || packed > limit - offset || size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      origin.fail("member ", m.name, " reaches beyond its archive; got ", packed, " bytes at offset ", offset,
                  ", expected at most ", limit);
    m.packed = static_cast<int64_t>(packed), m.size = static_cast<int64_t>(size), m.offset = static_cast<int64_t>(offset);
    members.push_back(std::move(m));
    rest = rest.subspan(static_cast<size_t>(kCentralBytes) + name_bytes + extra_bytes + comment_bytes);
  }
  if (!rest.empty()) origin.fail("malformed directory; got ", rest.size(), " bytes after the last member, expected none");
  return members;
}

// Passes bytes on and keeps their CRC-32.
class ChecksumReader final : public io::ByteReader {
 public:
  ChecksumReader(io::ByteReader& in, int64_t size) : ByteReader(in.origin()), in_(&in), left_(size) {}
  int64_t read(void* out, int64_t n) override {
    const int64_t got = in_->read(out, std::min(n, left_));
    crc_ = static_cast<uint32_t>(crc32_z(crc_, static_cast<const Bytef*>(out), static_cast<z_size_t>(got)));
    left_ -= got;
    return got;
  }
  int64_t at_most() const override { return std::min(left_, in_->at_most()); }
  uint32_t crc() const { return crc_; }
  int64_t left() const { return left_; }

 private:
  io::ByteReader* in_;
  int64_t left_;
  uint32_t crc_ = 0;
};

Tensor read_data(io::ByteReader& packed, const Member& m) {
  ChecksumReader in(packed, m.size);
  Tensor out = io::read_npy(in);
  packed.expect_end();
  if (in.left() > 0) packed.origin().fail("data are cut short; got ", m.size - in.left(), " bytes, expected ", m.size);
  if (in.crc() != m.crc) packed.origin().fail("corrupt data; got CRC-32 ", in.crc(), ", expected ", m.crc);
  return out;
}

// Reads the member's local header, which must agree with the directory, then its data.
Tensor read_member(const io::ByteSource& file, Member& m, int64_t limit) {
  const io::Origin origin{file.origin().op, text(file.origin().path, ": member ", m.name)};
  std::array<std::byte, kLocalBytes> local;
  file.read_at(m.offset, local.data(), kLocalBytes, "a member");
  if (u32(local.data()) != kLocalMagic) origin.fail("no member here; got other bytes at ", m.offset, ", expected a local header");
  const auto name = bytes_at(file, static_cast<uint64_t>(m.offset + kLocalBytes), u16(local.data() + 26), "a member's name");
  if (u16(local.data() + 8) != m.method || std::string_view(reinterpret_cast<const char*>(name.data()), name.size()) != m.name)
    origin.fail("local header and directory differ; got another name or method, expected the same");
  const int64_t begin = m.offset + kLocalBytes + u16(local.data() + 26) + u16(local.data() + 28);
  if (begin > limit || m.packed > limit - begin)
    origin.fail("the data reach beyond the archive; got ", m.packed, " bytes at offset ", begin, ", expected at most ", limit);
  m.end = begin + m.packed;

  // Errors of the data name the member: the readers get a source with the longer name.
  class Named final : public io::ByteSource {
   public:
    Named(io::Origin origin, const io::ByteSource& file) : ByteSource(std::move(origin)), file_(file) { set_size(file.size()); }

   private:
    void read_checked(int64_t offset, void* out, int64_t n) const override { file_.read_at(offset, out, n, "data"); }
    const io::ByteSource& file_;
  } const named(origin, file);
  io::SectionReader section(named, begin, m.packed);
  if (m.method == kDeflated) {
    io::InflateReader unpacked(section, io::Compression::deflate);
    return read_data(unpacked, m);
  }
  if (m.packed != m.size) origin.fail("stored size differs; got ", m.packed, " bytes, expected ", m.size);
  return read_data(section, m);
}

}  // namespace

std::map<std::string, Tensor> io::read_npz(const ByteSource& file) {
  const Origin& origin = file.origin();
  const Directory directory = find_directory(file);
  std::vector<Member> members = read_members(file, directory);
  std::ranges::sort(members, {}, &Member::offset);
  std::map<std::string, Tensor> out;
  int64_t end = 0;  // of the previous member's data
  for (Member& m : members) {
    if (!safe_name(m.name))
      origin.fail("unsafe member name; got \"", m.name, "\", expected a relative path with no empty, \".\" or \"..\" part");
    if (!m.name.ends_with(".npy")) origin.fail("a member is no array; got ", m.name, ", expected names that end in .npy");
    if (m.flags & kEncrypted) origin.fail("member ", m.name, " is encrypted; got a password flag, expected plain data");
    if (m.method != kStored && m.method != kDeflated)
      origin.fail("member ", m.name, ": unsupported compression; got method ", m.method, ", expected 0 (stored) or 8 (deflated)");
    if (m.offset < end) origin.fail("members overlap; got ", m.name, " at offset ", m.offset, ", expected ", end, " or later");
    std::string key = m.name.substr(0, m.name.size() - 4);
    if (out.contains(key)) origin.fail("a name repeats; got ", m.name, " twice, expected names once each");
    Tensor value = read_member(file, m, static_cast<int64_t>(directory.offset));
    end = m.end;
    out.emplace(std::move(key), std::move(value));
  }
  return out;
}

std::map<std::string, Tensor> load_npz(const std::string& path) { return io::read_npz(io::FileSource({"load_npz", path})); }

void save_npz(const std::string& path, const std::map<std::string, Tensor>& tensors, NpzOptions options) {
  if (tensors.size() >= 0xffff)
    fail<ValueError>("save_npz", "too many tensors; got ", tensors.size(), ", expected fewer than 65535; use save_safetensors");
  for (const auto& [name, tensor] : tensors) {
    if (!safe_name(name))
      fail<ValueError>("save_npz", "unusable name; got \"", name,
                       "\", expected a relative path with no empty, \".\" or \"..\" part");
    io::npy_preamble("save_npz", tensor);  // refuses dtypes before anything is written
  }
  io::AtomicFile file({"save_npz", path});
  auto check_size = [](int64_t bytes) {
    if (bytes >= static_cast<int64_t>(kIn64))
      fail<ValueError>("save_npz", "too large for a zip archive; got ", bytes,
                       " bytes, expected less than 4 GiB; use save_safetensors");
  };
  std::vector<std::byte> directory;
  for (const auto& [name, tensor] : tensors) {
    std::vector<std::byte> data;
    put(data, io::npy_preamble("save_npz", tensor));
    check_size(static_cast<int64_t>(data.size()) + tensor.size() * size_of(tensor.dtype()));
    io::write_tensor(tensor, std::endian::little, [&](const void* bytes, int64_t n) {
      const auto* from = static_cast<const std::byte*>(bytes);
      data.insert(data.end(), from, from + n);
    });
    const auto crc = static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size()));
    const size_t size = data.size();
    if (options.compressed) data = io::deflate_bytes(file.origin(), data, io::Compression::deflate);
    check_size(file.written() + static_cast<int64_t>(data.size()));

    const std::string member = name + ".npy";
    std::vector<std::byte> fields;  // what the local header and the directory share
    put(fields, kVersion, 2);
    put(fields, kUtf8, 2);
    put(fields, options.compressed ? kDeflated : kStored, 2);
    put(fields, 0, 2);  // time
    put(fields, kDate, 2);
    put(fields, crc, 4);
    put(fields, data.size(), 4);
    put(fields, size, 4);
    put(fields, member.size(), 2);
    put(fields, 0, 2);  // extra field

    put(directory, kCentralMagic, 4);
    put(directory, kVersion, 2);
    directory.insert(directory.end(), fields.begin(), fields.end());
    put(directory, 0, 2 + 2 + 2 + 4);  // comment, part, attributes
    put(directory, static_cast<uint64_t>(file.written()), 4);
    put(directory, member);

    std::vector<std::byte> local;
    put(local, kLocalMagic, 4);
    local.insert(local.end(), fields.begin(), fields.end());
    put(local, member);
    file.write(local.data(), static_cast<int64_t>(local.size()));
    file.write(data.data(), static_cast<int64_t>(data.size()));
  }
  check_size(file.written() + static_cast<int64_t>(directory.size()));
  const auto offset = static_cast<uint64_t>(file.written());
  const size_t bytes = directory.size();
  put(directory, kEndMagic, 4);
  put(directory, 0, 2 + 2);  // parts
  put(directory, tensors.size(), 2);
  put(directory, tensors.size(), 2);
  put(directory, bytes, 4);
  put(directory, offset, 4);
  put(directory, 0, 2);  // comment
  file.write(directory.data(), static_cast<int64_t>(directory.size()));
  file.commit();
}

}  // namespace gradus::data
