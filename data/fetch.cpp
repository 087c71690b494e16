#include "data/fetch.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "autograd/base/error.h"
#include "data/download.h"

namespace gradus::data::io {

bool may_download(bool option) {
  const char* value = std::getenv("GRADUS_DOWNLOAD");
  return option || (value && std::string_view(value) == "1");
}

void fetch(std::string_view address, const std::string& folder, std::span<const Remote> files) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail<IoError>("download", folder, ": cannot make the folder; got ", error.message(), ", expected a writable place");
  const char* mirror = std::getenv("GRADUS_MIRROR");
  const std::string from =
      mirror && *mirror ? text(mirror, "/", std::filesystem::path(folder).filename().string(), "/") : std::string(address);
  for (const Remote& file : files) {
    const std::string path = text(folder, "/", file.name);
    if (!std::filesystem::exists(path, error)) download(text(from, file.name), path, {.sha256 = std::string(file.sha256)});
  }
}

}  // namespace gradus::data::io
