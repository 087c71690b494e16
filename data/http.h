// One GET request through libcurl. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "data/file.h"

namespace gradus::data::io {

struct HttpGet {
  int64_t offset = 0;                                // asks for what comes after so many bytes
  int64_t timeout = 60;                              // seconds
  std::function<void()> restart;                     // the server sends everything after all
  std::function<void(const char*, size_t)> data;     // the next bytes
  std::function<void(int64_t total)> progress = {};  // total 0: not known
};

/// Fetches origin.path, an http or https address, following redirections. IoError when that fails; what a callback throws goes
/// through.
void http_get(const Origin& origin, const HttpGet& request);

}  // namespace gradus::data::io
