#include "tests/hub/fake_hub.h"

#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <random>

#include "core/base/check.h"
#include "run/hub/digest.h"

namespace adder {
namespace {

std::string digest_of(DigestKind kind, const std::string& content) {
  auto digest = Digest::begin(kind, content.size());
  CHECK(digest.has_value());
  digest->update(std::as_bytes(std::span(content)));
  return digest->hex();
}

bool is_large(const std::string& path) {
  return path.ends_with(".gguf") || path.ends_with(".safetensors");
}

std::string sibling(const std::string& path, const std::string& content) {
  const std::string blob = digest_of(DigestKind::kGitBlob, content);
  const std::string lfs = is_large(path) ? fmt::format(R"(, "lfs": {{"sha256": "{}", "size": {}, "pointerSize": 130}})",
                                                       digest_of(DigestKind::kSha256, content), content.size())
                                         : "";
  return fmt::format(R"({{"rfilename": "{}", "size": {}, "blobId": "{}"{}}})", path, content.size(), blob, lfs);
}

void serve_file(const std::string& content, const ServedRequest& request, const ServedConnection& connection) {
  const std::string etag = fmt::format("\"{}\"", digest_of(DigestKind::kSha256, content));
  const std::string headers = fmt::format("ETag: {}\r\nAccept-Ranges: bytes\r\n", etag);
  const auto first = range_of(request);
  const std::string condition = request.header("if-range");
  if (!first || (!condition.empty() && condition != etag)) {
    connection.send(http_answer("200 OK", content, headers));
  } else if (*first >= content.size()) {
    connection.send(http_answer("416 Range Not Satisfiable", "", headers));
  } else {
    const std::string range =
        fmt::format("Content-Range: bytes {}-{}/{}\r\n", *first, content.size() - 1, content.size());
    connection.send(http_answer("206 Partial Content", content.substr(*first), headers + range));
  }
}

}  // namespace

std::string http_answer(const std::string& status, const std::string& body, const std::string& headers) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}", status, body.size(), headers,
                     body);
}

std::optional<size_t> range_of(const ServedRequest& request) {
  const std::string range = request.header("range");
  if (!range.starts_with("bytes=") || !range.ends_with("-")) return {};
  return std::stoul(range.substr(6));
}

std::string random_bytes(size_t size, unsigned seed) {
  std::mt19937 draw(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(draw());
  return bytes;
}

FakeHub::FakeHub(std::map<std::string, std::string> files)
    : state_{std::string(40, 'c'), std::move(files), {}},
      server_([this](const auto& request, const auto& connection) { serve(request, connection); }) {}

FakeHub::State FakeHub::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void FakeHub::push(std::string commit, std::map<std::string, std::string> files) {
  const std::lock_guard lock(mutex_);
  state_.commit = std::move(commit);
  state_.files = std::move(files);
}

void FakeHub::misbehave(Mischief mischief) {
  const std::lock_guard lock(mutex_);
  state_.mischief = std::move(mischief);
}

void FakeHub::misbehave_with_files(int times,
                                   std::function<void(const ServedRequest&, const ServedConnection&)> mischief) {
  auto left = std::make_shared<std::atomic<int>>(times);
  misbehave([left, mischief](const ServedRequest& request, const ServedConnection& connection) {
    if (request.target.find("/resolve/") == std::string::npos || left->fetch_sub(1) <= 0) return false;
    mischief(request, connection);
    return true;
  });
}

std::vector<ServedRequest> FakeHub::file_requests() const {
  std::vector<ServedRequest> found = requests();
  std::erase_if(found, [](const ServedRequest& r) { return r.target.find("/resolve/") == std::string::npos; });
  return found;
}

std::string FakeHub::listing(const std::string& extra) const {
  const State now = state();
  std::string siblings;
  for (const auto& [path, content] : now.files) siblings += (siblings.empty() ? "" : ", ") + sibling(path, content);
  return fmt::format(R"({{"id": "org/tiny", "sha": "{}", "siblings": [{}]}})", now.commit, siblings + extra);
}

void FakeHub::serve(const ServedRequest& request, const ServedConnection& connection) const {
  const State now = state();
  if (now.mischief && now.mischief(request, connection)) return;
  if (request.target.starts_with("/api/models/org/tiny/revision/")) {
    connection.send(http_answer("200 OK", listing(), "Content-Type: application/json\r\n"));
    return;
  }
  const std::string prefix = fmt::format("/org/tiny/resolve/{}/", now.commit);
  const bool is_file = request.target.starts_with(prefix);
  const auto file = is_file ? now.files.find(request.target.substr(prefix.size())) : now.files.end();
  if (file == now.files.end()) {
    connection.send(http_answer("404 Not Found", "", "X-Error-Code: EntryNotFound\r\n"));
  } else {
    serve_file(file->second, request, connection);
  }
}

}  // namespace adder
