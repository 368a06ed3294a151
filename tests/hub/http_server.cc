#include "tests/hub/http_server.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "core/base/check.h"

namespace adder {
namespace {

constexpr int kTickMs = 20;

bool has_input(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return poll(&waiting, 1, kTickMs) > 0;
}

ServedRequest parse(const std::string& text) {
  ServedRequest request;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  std::istringstream(line) >> request.method >> request.target;
  while (std::getline(lines, line) && line != "\r") {
    const size_t colon = line.find(':');
    if (colon == line.npos) continue;
    std::string name = line.substr(0, colon);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const size_t begin = line.find_first_not_of(' ', colon + 1);
    request.headers[name] = begin == line.npos ? "" : line.substr(begin, line.find_last_not_of("\r ") + 1 - begin);
  }
  return request;
}

}  // namespace

bool ServedConnection::send(std::string_view bytes) const {
  while (!bytes.empty() && !stopping_) {
    pollfd ready{fd_, POLLOUT, 0};
    if (poll(&ready, 1, kTickMs) <= 0) continue;
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return bytes.empty();
}

void ServedConnection::stall() const {
  std::array<char, 256> ignored;
  while (!stopping_)
    if (has_input(fd_) && ::recv(fd_, ignored.data(), ignored.size(), 0) <= 0) return;
}

void ServedConnection::reset() const {
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

HttpServer::HttpServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(listener_ >= 0, "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  CHECK(::bind(listener_, any, size) == 0 && ::listen(listener_, 64) == 0, "listen");
  CHECK(::getsockname(listener_, any, &size) == 0, "getsockname");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpServer::~HttpServer() {
  stopping_ = true;
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  ::close(listener_);
}

std::string HttpServer::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::vector<ServedRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::accept_all() {
  while (!stopping_) {
    if (!has_input(listener_)) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) connections_.emplace_back([this, fd] { serve(fd); });
  }
}

void HttpServer::serve(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  while (text.find("\r\n\r\n") == text.npos && !stopping_) {
    if (!has_input(fd)) continue;
    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) break;
    text.append(buffer.data(), static_cast<size_t>(n));
  }
  if (text.find("\r\n\r\n") != text.npos) {
    const ServedRequest request = parse(text);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    handler_(request, ServedConnection(fd, stopping_));
  }
  ::close(fd);
}

}  // namespace adder
