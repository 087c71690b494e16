// A web server of a few lines on this machine, for tests of downloads: one request at a time, each connection closed after it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace gradus::test {

class HttpServer {
 public:
  /// What is at "/name".
  struct File {
    std::string content = {};
    bool ranges = true;              // obeys "Range: bytes=N-"
    size_t cut = std::string::npos;  // breaks the connection after so many bytes of the body, once
    std::string redirect = {};       // sends there instead
  };
  std::map<std::string, File> files;  // not while requests are under way

  HttpServer() {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (socket_ < 0 || ::bind(socket_, generic, size) != 0 || ::listen(socket_, 8) != 0 ||
        ::getsockname(socket_, generic, &size) != 0)
      throw std::runtime_error("no local server");
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~HttpServer() {
    thread_.request_stop();
    thread_.join();
    ::close(socket_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url(const std::string& name) const { return "http://127.0.0.1:" + std::to_string(port_) + "/" + name; }
  /// The first lines and ranges of all requests so far: "GET /name", "GET /name from 10".
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd waiting{socket_, POLLIN, 0};
      if (::poll(&waiting, 1, 5) != 1) continue;
      const int connection = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) continue;
      std::string request;
      char buffer[1024];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = ::recv(connection, buffer, sizeof buffer, 0);
        if (got <= 0) break;
        request.append(buffer, static_cast<size_t>(got));
      }
      const std::string answer = reply(request);
      for (size_t sent = 0; sent < answer.size();) {
        const ssize_t n = ::send(connection, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) break;
        sent += static_cast<size_t>(n);
      }
      ::close(connection);
    }
  }

  std::string reply(const std::string& request) {
    const std::string path = request.substr(0, request.find(" HTTP"));
    size_t from = 0;
    if (const size_t at = request.find("Range: bytes="); at != std::string::npos) from = std::stoul(request.substr(at + 13));
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(from > 0 ? path + " from " + std::to_string(from) : path);
    }
    const auto found = files.find(path.size() > 5 ? path.substr(5) : "");
    const std::string end = "\r\nConnection: close\r\n\r\n";
    if (found == files.end()) return "HTTP/1.1 404 Not Found\r\nContent-Length: 5" + end + "sorry";
    File& file = found->second;
    if (!file.redirect.empty()) return "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + file.redirect + end;
    const std::string& all = file.content;
    if (!file.ranges) from = 0;
    if (from > 0 && from >= all.size())
      return "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nContent-Range: bytes */" + std::to_string(all.size()) +
             end;
    std::string head = from > 0 ? "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " + std::to_string(from) + "-" +
                                      std::to_string(all.size() - 1) + "/" + std::to_string(all.size()) + "\r\n"
                                : "HTTP/1.1 200 OK\r\n";
    head += "Content-Length: " + std::to_string(all.size() - from) + end;
    const std::string body = all.substr(from, file.cut);
    file.cut = std::string::npos;
    return head + body;
  }

  int socket_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::jthread thread_;
};

}  // namespace gradus::test
