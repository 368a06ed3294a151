#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "tests/hub/http_server.h"

namespace adder {

/// A hub of one repository, "org/tiny": the listing and the files of one commit, ranges and ETags as the real one
/// serves them. *.gguf and *.safetensors are large files (SHA-256), all else small ones (Git blobs).
class FakeHub {
 public:
  explicit FakeHub(std::map<std::string, std::string> files);

  std::string url() const { return server_.url(); }
  std::string commit() const { return state().commit; }
  std::string content(const std::string& path) const { return state().files.at(path); }

  /// Another commit with other files.
  void push(std::string commit, std::map<std::string, std::string> files);

  /// Sees every request first; true: it has been answered.
  using Mischief = std::function<bool(const ServedRequest&, const ServedConnection&)>;
  void misbehave(Mischief mischief);
  /// The same for the first `times` requests of files alone.
  void misbehave_with_files(int times, std::function<void(const ServedRequest&, const ServedConnection&)> mischief);

  std::vector<ServedRequest> requests() const { return server_.requests(); }
  std::vector<ServedRequest> file_requests() const;

  /// The listing, with `extra` siblings after those of the files: for paths that no file here can have.
  std::string listing(const std::string& extra = "") const;

 private:
  struct State {
    std::string commit;
    std::map<std::string, std::string> files;
    Mischief mischief;
  };
  State state() const;
  void serve(const ServedRequest& request, const ServedConnection& connection) const;

  mutable std::mutex mutex_;
  State state_;
  HttpServer server_;  // last: it serves the rest
};

/// An answer: "HTTP/1.1 200 OK", headers of its own, Content-Length and Connection: close, the body.
std::string http_answer(const std::string& status, const std::string& body, const std::string& headers = "");

/// The first byte that "Range: bytes=N-" asks for.
std::optional<size_t> range_of(const ServedRequest& request);

/// Bytes that no compression or chance would make right.
std::string random_bytes(size_t size, unsigned seed);

}  // namespace adder
