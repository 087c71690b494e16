// Files from the net, through libcurl, which is opened when it is first needed: a program that downloads nothing does not load
// it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace gradus::data {

struct DownloadOptions {
  std::string sha256 = {};  // what the file must be, 64 hexadecimal digits; empty: not verified
  bool resume = true;       // goes on with what an earlier call left behind (PATH.part), where there is a digest
  std::function<void(int64_t done, int64_t total)> progress =
      {};                // now and then, in bytes; total 0: not known. May throw to stop
  int64_t timeout = 60;  // seconds without any data after which it gives up
};

/// Fetches an http or https address into a file, which appears complete and verified or not at all: data go to PATH.part first,
/// which is kept when the connection breaks. A file that is there and has the digest is left alone, without any connection;
/// another one is replaced. IoError for an address that cannot be fetched (with the HTTP status), a wrong digest (PATH.part is
/// removed), a file that cannot be written, and where libcurl is missing; ValueError for another protocol and for a digest that
/// is none. One call per path at a time.
void download(const std::string& url, const std::string& path, const DownloadOptions& options = {});

/// Whether download() can work here.
bool can_download();

}  // namespace gradus::data
