#include "data/http.h"

#include "data/download.h"

#ifndef GRADUS_HAVE_CURL
namespace gradus::data {

bool can_download() { return false; }

void io::http_get(const Origin& origin, const HttpGet&) {
  origin.fail(
      "downloading without libcurl; got a build that lacks it, expected one made where libcurl4-openssl-dev is installed");
}

}  // namespace gradus::data
#else

#include <curl/curl.h>
#include <dlfcn.h>

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace gradus::data {
namespace {

/// The functions used here.
struct Curl {
  decltype(&curl_global_init) global_init;
  decltype(&curl_easy_init) init;
  decltype(&curl_easy_setopt) setopt;
  decltype(&curl_easy_perform) perform;
  decltype(&curl_easy_getinfo) getinfo;
  decltype(&curl_easy_strerror) strerror;
  decltype(&curl_easy_cleanup) cleanup;
};

// Null where the library is missing. Opened once and never closed.
const Curl* curl() {
  static const std::unique_ptr<const Curl> found = []() -> std::unique_ptr<const Curl> {
    void* library = nullptr;
    for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib"})
      if (!library) library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) return nullptr;
    Curl c{};
    bool complete = true;
    const auto load = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
      complete = complete && function;
    };
    load(c.global_init, "curl_global_init");
    load(c.init, "curl_easy_init");
    load(c.setopt, "curl_easy_setopt");
    load(c.perform, "curl_easy_perform");
    load(c.getinfo, "curl_easy_getinfo");
    load(c.strerror, "curl_easy_strerror");
    load(c.cleanup, "curl_easy_cleanup");
    if (!complete || c.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return nullptr;
    return std::make_unique<const Curl>(c);
  }();
  return found.get();
}

/// What the callbacks see. They are called through C, so that exceptions wait here.
struct Transfer {
  const Curl& lib;
  CURL* handle;
  const io::HttpGet& request;
  bool begun = false;
  std::exception_ptr error = {};

  template <class F>
  bool guarded(const F& f) {
    try {
      f();
    } catch (...) {
      error = std::current_exception();
    }
    return !error;
  }
  long status() const {
    long code = 0;
    lib.getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
    return code;
  }

  static size_t write(char* data, size_t, size_t n, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    const bool done = t.guarded([&] {
      if (!std::exchange(t.begun, true) && t.request.offset > 0 && t.status() != 206) t.request.restart();
      t.request.data(data, n);
    });
    return done ? n : 0;
  }
  static int progress(void* self, curl_off_t total, curl_off_t, curl_off_t, curl_off_t) {
    auto& t = *static_cast<Transfer*>(self);
    const int64_t before = t.begun && t.status() == 206 ? t.request.offset : 0;
    return t.guarded([&] { t.request.progress(total > 0 ? before + total : 0); }) ? 0 : 1;
  }
};

}  // namespace

bool can_download() { return curl() != nullptr; }

void io::http_get(const Origin& origin, const HttpGet& request) {
  const Curl* lib = curl();
  if (!lib) origin.fail("downloading without libcurl; got no libcurl.so.4, expected the package libcurl4 to be installed");
  const std::unique_ptr<CURL, decltype(lib->cleanup)> handle(lib->init(), lib->cleanup);
  if (!handle) throw std::bad_alloc();
  Transfer transfer{*lib, handle.get(), request};
  const auto set = [&](CURLoption option, auto value) { lib->setopt(handle.get(), option, value); };
  char message[CURL_ERROR_SIZE] = "";
  set(CURLOPT_URL, origin.path.c_str());
#if LIBCURL_VERSION_NUM >= 0x075500
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
  set(CURLOPT_PROTOCOLS, long{CURLPROTO_HTTP | CURLPROTO_HTTPS});
  set(CURLOPT_REDIR_PROTOCOLS, long{CURLPROTO_HTTP | CURLPROTO_HTTPS});
#endif
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, 10L);
  set(CURLOPT_FAILONERROR, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(request.timeout));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.timeout));
  set(CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(request.offset));
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(message));
  set(CURLOPT_WRITEFUNCTION, &Transfer::write);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  if (request.progress) {
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Transfer::progress);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));
  }
  const CURLcode code = lib->perform(handle.get());
  if (transfer.error) std::rethrow_exception(transfer.error);
  const long status = transfer.status();
  // 416: there is nothing after what we have. Curl says CURLE_RANGE_ERROR where a server without ranges sends everything.
  if (request.offset > 0 && (status == 416 || code == CURLE_RANGE_ERROR)) {
    if (status == 416) return;
    request.restart();
    return http_get(origin, {0, request.timeout, request.restart, request.data, request.progress});
  }
  if (code == CURLE_OK) return;
  if (status >= 400) origin.fail("the server refuses; got HTTP status ", status, ", expected 200");
  origin.fail("cannot fetch; got \"", *message ? message : lib->strerror(code), "\", expected a file");
}

}  // namespace gradus::data
#endif
