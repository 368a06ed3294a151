#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>

#include "core/base/result.h"
#include "run/hub/repository.h"

namespace adder {

/// Called now and then by work that takes long; an error ends it.
using KeepGoing = std::function<Status()>;

/// A file on its way: what has come so far lies under a name of its own and stays there when the process ends, for the
/// next one to go on with. It gets its final name only when it is whole and its digest is right.
class PartialFile {
 public:
  /// Opens `path` (links are refused) and reads what is there; more than the whole file is thrown away.
  static Result<PartialFile> open(const std::filesystem::path& path, const RemoteFile& file,
                                  const KeepGoing& keep_going);

  PartialFile(PartialFile&& other) noexcept;
  PartialFile& operator=(PartialFile&&) = delete;
  ~PartialFile();

  uint64_t size() const { return size_; }
  bool is_whole() const { return size_ == file_.size; }
  const RemoteFile& file() const { return file_; }

  /// Appends. kCorrupt when that is more than the file holds.
  Status append(std::span<const std::byte> bytes);
  /// Throws away what has come.
  Status restart();
  /// Of the whole file: whether the digest is right. To be asked once; false restarts.
  Result<bool> verify();
  /// A whole, verified file: syncs it and moves it to `target`, in a folder that is there.
  Status publish(const std::filesystem::path& target);

 private:
  PartialFile(std::filesystem::path path, RemoteFile file, int fd, Digest digest)
      : path_(std::move(path)), file_(std::move(file)), fd_(fd), digest_(std::move(digest)) {}
  Status read_what_is_there(const KeepGoing& keep_going);

  std::filesystem::path path_;
  RemoteFile file_;
  int fd_;
  uint64_t size_ = 0;
  Digest digest_;
};

/// Whether the file at `path` has the size and digest of `file`. No file is a wrong one.
Result<bool> has_digest(const std::filesystem::path& path, const RemoteFile& file, const KeepGoing& keep_going);

}  // namespace adder
