#include "data/locate.h"

#include <cstdlib>
#include <filesystem>

namespace gradus::data::io {
namespace {

// An unset variable and an empty one mean the same.
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

std::vector<std::string> data_folders(const std::string& data_dir) {
  if (!data_dir.empty()) return {data_dir};
  std::vector<std::string> folders;
  if (const std::string chosen = variable("GRADUS_DATA"); !chosen.empty()) folders.push_back(chosen);
  folders.emplace_back("../shared/data");
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty()) folders.push_back(cache + "/gradus");
  else if (const std::string home = variable("HOME"); !home.empty()) folders.push_back(home + "/.cache/gradus");
  return folders;
}

std::optional<std::string> plain_or_gz(const std::string& path) {
  std::error_code ignored;
  for (std::string candidate : {path, path + ".gz"})
    if (std::filesystem::exists(candidate, ignored)) return candidate;
  return std::nullopt;
}

}  // namespace gradus::data::io
