#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace adder {

struct ServedRequest {
  std::string method, target;                  ///< "GET", "/path?query"
  std::map<std::string, std::string> headers;  ///< names in lower case

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

/// One connection, of one request. What goes out is written byte by byte, since no library for servers would send the
/// answers that the tests are about.
class ServedConnection {
 public:
  ServedConnection(int fd, const std::atomic<bool>& stopping) : fd_(fd), stopping_(stopping) {}

  /// False when the other side has gone.
  bool send(std::string_view bytes) const;
  /// Holds the connection open in silence until the client or the server goes.
  void stall() const;
  /// Ends it with a TCP reset in place of an orderly end.
  void reset() const;

 private:
  int fd_;
  const std::atomic<bool>& stopping_;
};

/// An HTTP/1.1 server on a free port of 127.0.0.1, a thread per connection, until it is destroyed.
class HttpServer {
 public:
  using Handler = std::function<void(const ServedRequest&, const ServedConnection&)>;
  explicit HttpServer(Handler handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  std::string url() const;  ///< http://127.0.0.1:PORT
  std::vector<ServedRequest> requests() const;

 private:
  void accept_all();
  void serve(int fd);

  Handler handler_;
  int listener_ = -1, port_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::vector<ServedRequest> requests_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace adder
