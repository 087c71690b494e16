#include "data/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace gradus::data::io {
namespace {

constexpr int64_t kLargestTransfer = int64_t{1} << 30;  // one read or write call moves at most 2 GiB on Linux
constexpr int kTemporaryNames = 1000;

std::string reason() { return std::generic_category().message(errno); }

}  // namespace

void ByteSource::read_at(int64_t offset, void* out, int64_t n, std::string_view what) const {
  if (offset < 0 || n < 0 || offset > size_ || n > size_ - offset)
    origin_.fail(what, " reaches beyond the end of the file; got ", size_, " bytes, expected ", n, " at offset ", offset);
  if (n > 0) read_checked(offset, out, n);
}

FileSource::FileSource(Origin origin) : ByteSource(std::move(origin)) {
  // O_NONBLOCK: opening a pipe would wait for a writer.
  descriptor_ = ::open(this->origin().path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) this->origin().fail("cannot open the file; got ", reason(), ", expected a readable file");
  struct stat status;
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    this->origin().fail("not a regular file; got ", known && S_ISDIR(status.st_mode) ? "a folder" : "something else",
                        ", expected a readable file");
  }
  set_size(status.st_size);
}

FileSource::~FileSource() { ::close(descriptor_); }

void FileSource::read_checked(int64_t offset, void* out, int64_t n) const {
  auto* to = static_cast<std::byte*>(out);
  while (n > 0) {
    const ssize_t got = ::pread(descriptor_, to, static_cast<size_t>(std::min(n, kLargestTransfer)), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) origin().fail("cannot read; got ", reason(), " at offset ", offset, ", expected ", n, " more bytes");
    if (got == 0) origin().fail("the file shrank while it was read; got its end at ", offset, ", expected ", size(), " bytes");
    to += got;
    offset += got;
    n -= got;
  }
}

void MemorySource::read_checked(int64_t offset, void* out, int64_t n) const {
  std::memcpy(out, bytes_.data() + offset, static_cast<size_t>(n));
}

AtomicFile::AtomicFile(Origin origin) : origin_(std::move(origin)), target_(origin_.path) {
  if (target_.empty()) origin_.fail("no file name; got an empty path, expected one");
  std::error_code error;
  if (std::filesystem::is_symlink(target_, error)) {
    target_ = std::filesystem::weakly_canonical(target_, error).string();
    if (error) origin_.fail("cannot follow the link; got ", error.message(), ", expected a regular file");
  }

  struct stat status;
  const bool exists = ::stat(target_.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode))
    origin_.fail("cannot write; got ", S_ISDIR(status.st_mode) ? "a folder" : "a special file", ", expected a regular file");
  if (exists && ::access(target_.c_str(), W_OK) != 0) origin_.fail("cannot write; got ", reason(), ", expected a writable file");

  // Names left behind by a crash, or in use by another process, are skipped.
  for (int i = 0; i < kTemporaryNames && descriptor_ < 0; ++i) {
    temporary_ = text(target_, ".tmp", i);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) break;
  }
  if (descriptor_ < 0) {
    const std::string why = reason();
    temporary_.clear();
    origin_.fail("cannot create a temporary file beside it; got ", why, ", expected a writable folder");
  }
  if (exists && ::fchmod(descriptor_, status.st_mode & 07777) != 0) {
    const std::string why = reason();
    discard();
    origin_.fail("cannot keep the file's permissions; got ", why, ", expected its owner");
  }
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

void AtomicFile::write(const void* data, int64_t n) {
  auto* from = static_cast<const std::byte*>(data);
  while (n > 0) {
    const ssize_t done = ::write(descriptor_, from, static_cast<size_t>(std::min(n, kLargestTransfer)));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) origin_.fail("cannot write; got ", reason(), " after ", written_, " bytes, expected room for ", n, " more");
    from += done;
    written_ += done;
    n -= done;
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) origin_.fail("cannot write to the device; got ", reason(), ", expected success");
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) origin_.fail("cannot close the file; got ", reason(), ", expected success");
  if (::rename(temporary_.c_str(), target_.c_str()) != 0)
    origin_.fail("cannot replace the file; got ", reason(), ", expected a writable folder");
  temporary_.clear();

  // The new name survives a power cut once its folder is written; file systems without that notion are left alone.
  const std::string parent = std::filesystem::path(target_).parent_path().string();
  const int folder = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

}  // namespace gradus::data::io
