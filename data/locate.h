// Where data sets are looked for. Internal.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::data::io {

/// The folders that may hold data sets, best first: `data_dir` alone if given; else $GRADUS_DATA, ../shared/data,
/// $XDG_CACHE_HOME/gradus or ~/.cache/gradus. Reads the environment: not while another thread changes it.
std::vector<std::string> data_folders(const std::string& data_dir);

/// `path`, or `path` with ".gz", whichever exists.
std::optional<std::string> plain_or_gz(const std::string& path);

}  // namespace gradus::data::io
