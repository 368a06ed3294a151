#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace adder {

/// How the Hub names the content of a file.
enum class DigestKind {
  kSha256,   ///< large files (Git LFS): SHA-256 of the bytes, 64 hex digits
  kGitBlob,  ///< small ones (in Git itself): SHA-1 of "blob SIZE\0" and the bytes, 40 hex digits
};

std::string_view name(DigestKind kind);  ///< "sha256", "git_sha1"

/// Whether `hex` is a digest of that kind: its length, in lower-case hex digits.
bool is_digest(DigestKind kind, std::string_view hex);

/// The digest of a stream, by OpenSSL's libcrypto, which is opened at the first use.
class Digest {
 public:
  /// `size`: of the whole stream, which a Git blob begins with.
  static Result<Digest> begin(DigestKind kind, uint64_t size);

  void update(std::span<const std::byte> bytes);
  /// Lower-case hex. Ends the stream.
  std::string hex();

 private:
  struct Free {
    void operator()(void* context) const;
  };
  explicit Digest(void* context) : context_(context) {}
  std::unique_ptr<void, Free> context_;
};

}  // namespace adder
