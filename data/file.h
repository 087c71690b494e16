// Bytes from and to files. Internal: the format readers and writers stand on it.
//
// A ByteSource is read at any offset and never trusts more than its own size; an AtomicFile replaces its target in one step or
// not at all. A source may be read from several threads; an AtomicFile belongs to one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "autograd/base/error.h"

namespace gradus::data::io {

/// What an error names: the public function and the file.
struct Origin {
  std::string_view op;  // a literal
  std::string path;

  /// IoError `op: path: parts...`.
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    gradus::fail<IoError>(op, path, ": ", parts...);
  }
};

/// Bytes of known number, read at any offset.
class ByteSource {
 public:
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  const Origin& origin() const { return origin_; }
  int64_t size() const { return size_; }
  /// Exactly n bytes; IoError naming `what` when the source ends before them.
  void read_at(int64_t offset, void* out, int64_t n, std::string_view what) const;

 protected:
  explicit ByteSource(Origin origin) : origin_(std::move(origin)) {}
  void set_size(int64_t size) { size_ = size; }

 private:
  virtual void read_checked(int64_t offset, void* out, int64_t n) const = 0;

  Origin origin_;
  int64_t size_ = 0;
};

/// A regular file, opened for reading. IoError when it is missing, unreadable or something else (a folder, a pipe).
class FileSource final : public ByteSource {
 public:
  explicit FileSource(Origin origin);
  ~FileSource() override;

 private:
  void read_checked(int64_t offset, void* out, int64_t n) const override;

  int descriptor_;
};

/// Memory that the caller keeps alive.
class MemorySource final : public ByteSource {
 public:
  MemorySource(Origin origin, std::span<const std::byte> bytes) : ByteSource(std::move(origin)), bytes_(bytes) {
    set_size(static_cast<int64_t>(bytes.size()));
  }

 private:
  void read_checked(int64_t offset, void* out, int64_t n) const override;

  std::span<const std::byte> bytes_;
};

/// Writes a temporary file in the target's folder; commit() makes it durable and renames it over the target. Without a commit
/// the temporary is removed and the target stays as it was. A symbolic link is followed, the target's permissions are kept.
class AtomicFile {
 public:
  /// IoError when the folder or an existing target cannot be written, or the target is not a regular file.
  explicit AtomicFile(Origin origin);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const Origin& origin() const { return origin_; }
  int64_t written() const { return written_; }
  /// IoError when the device is full or fails.
  void write(const void* data, int64_t n);
  void write(std::string_view text) { write(text.data(), static_cast<int64_t>(text.size())); }
  void commit();

 private:
  void discard() noexcept;

  Origin origin_;
  std::string target_, temporary_;
  int descriptor_ = -1;
  int64_t written_ = 0;
};

}  // namespace gradus::data::io
