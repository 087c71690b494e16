#include "data/download.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <system_error>

#include "data/file.h"
#include "data/http.h"
#include "data/sha256.h"

namespace gradus::data {
namespace {

std::string reason() { return std::generic_category().message(errno); }

// The file that grows while it is downloaded.
class PartFile {
 public:
  PartFile(const io::Origin& origin, std::string path, bool resume) : origin_(origin), path_(std::move(path)) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (resume ? 0 : O_TRUNC), 0666);
    if (descriptor_ < 0) origin_.fail("cannot create ", path_, "; got ", reason(), ", expected a writable folder");
    size_ = ::lseek(descriptor_, 0, SEEK_END);
  }
  ~PartFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  int64_t size() const { return size_; }
  void restart() {
    if (::ftruncate(descriptor_, 0) != 0 || ::lseek(descriptor_, 0, SEEK_SET) != 0)
      origin_.fail("cannot empty ", path_, "; got ", reason(), ", expected success");
    size_ = 0;
  }
  void append(const char* data, size_t n) {
    while (n > 0) {
      const ssize_t done = ::write(descriptor_, data, n);
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) origin_.fail("cannot write ", path_, "; got ", reason(), " after ", size_, " bytes, expected room for more");
      data += done, n -= static_cast<size_t>(done), size_ += done;
    }
  }
  void sync() {
    if (::fsync(descriptor_) != 0) origin_.fail("cannot write ", path_, " to the device; got ", reason(), ", expected success");
  }

 private:
  const io::Origin& origin_;
  std::string path_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

void check(const std::string& url, const DownloadOptions& options) {
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    fail<ValueError>("download", "unusable address; got ", url, ", expected http:// or https://");
  const std::string& digest = options.sha256;
  if (!digest.empty() && (digest.size() != 64 || digest.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos))
    fail<ValueError>("download", "not a digest; got \"", digest, "\", expected 64 hexadecimal digits");
}

// True when the file is what was asked for.
bool verified(const std::string& path, std::string digest) {
  std::ranges::transform(digest, digest.begin(),
                         [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
  return sha256_file(path) == digest;
}

}  // namespace

void download(const std::string& url, const std::string& path, const DownloadOptions& options) {
  check(url, options);
  const io::Origin origin{"download", url};
  std::error_code error;
  const bool exists = std::filesystem::exists(path, error);
  if (exists && !options.sha256.empty() && verified(path, options.sha256)) return;
  const std::string part = path + ".part";
  // Without a digest nothing would tell whether the two halves belong together.
  bool resume = options.resume && !options.sha256.empty();
  for (bool again = true; again; resume = false) {
    PartFile file(origin, part, resume);
    const int64_t before = file.size();
    io::http_get(origin, {.offset = before,
                          .timeout = options.timeout,
                          .restart = [&] { file.restart(); },
                          .data = [&](const char* data, size_t n) { file.append(data, n); },
                          .progress = options.progress ? [&](int64_t total) { options.progress(file.size(), total); }
                                                       : std::function<void(int64_t)>()});
    file.sync();
    again = false;
    if (options.sha256.empty() || verified(part, options.sha256)) continue;
    again = before > 0;  // what was there before may belong to another file
    if (again) continue;
    const std::string got = sha256_file(part);
    std::filesystem::remove(part, error);
    origin.fail("wrong file; got SHA-256 ", got, ", expected ", options.sha256);
  }
  std::filesystem::rename(part, path, error);
  if (error) origin.fail("cannot replace ", path, "; got ", error.message(), ", expected a writable folder");
}

}  // namespace gradus::data
