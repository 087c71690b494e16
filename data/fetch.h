// Known files and where they are on the net. Internal.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gradus::data::io {

struct Remote {
  std::string_view name;  // of the file, appended to the address
  std::string_view sha256;
};

/// True when the option or $GRADUS_DOWNLOAD (1) allows to use the network.
bool may_download(bool option);
/// Downloads those files that are not there to `folder`, which is made. `address` ends in "/"; $GRADUS_MIRROR, if set, stands in
/// for all of them: files are then looked for in $GRADUS_MIRROR/FOLDER'S NAME/.
void fetch(std::string_view address, const std::string& folder, std::span<const Remote> files);

}  // namespace gradus::data::io
