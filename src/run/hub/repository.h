#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "run/hub/digest.h"
#include "run/hub/reference.h"

namespace adder {

/// A file of a repository at one commit.
struct RemoteFile {
  std::string path;  ///< inside the repository, with "/"; is_safe_path holds
  uint64_t size = 0;
  DigestKind kind = DigestKind::kSha256;
  std::string digest;

  bool operator==(const RemoteFile&) const = default;
};

/// What the Hub says about a repository at one revision.
struct Repository {
  std::string commit;
  std::vector<RemoteFile> files;  ///< sorted by path

  const RemoteFile* find(std::string_view path) const;
};

/// Whether a path from outside may name a file below a folder of ours: relative, plain components (none empty, "." or
/// ".."), at most 1024 bytes and 255 each, UTF-8 without control characters and backslashes.
bool is_safe_path(std::string_view path);

/// Where to ask for a Repository; the answer is JSON:
///   {"sha": COMMIT, "siblings": [{"rfilename": PATH, "size": BYTES, "blobId": GIT_SHA1,
///                                 "lfs": {"sha256": HEX, "size": BYTES}}, ...]}        "lfs" for large files alone
/// Other members are skipped. https://huggingface.co/docs/hub/api
std::string repository_url(std::string_view endpoint, const HubReference& reference);

/// Where a file is. By commit, so that all files come from one state of the repository.
std::string file_url(std::string_view endpoint, std::string_view repository, std::string_view commit,
                     std::string_view path);

/// kCorrupt, with `source` and the member, for JSON of another form, and for paths, sizes or digests that are none.
Result<Repository> parse_repository(std::string_view json, std::string_view source);

/// One file as JSON gives it in a manifest: {"path", "size", "sha256" or "git_sha1"}.
Result<RemoteFile> checked_file(std::string path, uint64_t size, DigestKind kind, std::string digest,
                                std::string_view source);

}  // namespace adder
