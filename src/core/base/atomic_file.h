#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "core/base/result.h"

namespace adder {

/// A file that appears whole or not at all: bytes go to a temporary name beside the target, `commit` syncs and
/// renames. Dropped without commit (error, exception, early return) it leaves the old file untouched and no trace;
/// after kill -9 only the temporary name (`.NAME.adder-PID`) can remain.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const std::filesystem::path& target);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Appends.
  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
  /// Writes again what has been written from byte `offset` on; all of it must lie before `bytes_written`.
  Status overwrite(uint64_t offset, std::string_view text);
  Status commit();

  uint64_t bytes_written() const { return written_; }

 private:
  AtomicFile() = default;
  void discard() noexcept;

  std::filesystem::path target_, temporary_;
  int fd_ = -1;
  uint64_t written_ = 0;
};

/// The common case: a small file in one call.
Status write_file(const std::filesystem::path& target, std::string_view text);

/// With its parents; what is there already is left as it is.
Status make_directory(const std::filesystem::path& path);

/// Reads a text file of at most `limit` bytes.
Result<std::string> read_file(const std::filesystem::path& path, size_t limit = size_t{1} << 30);

}  // namespace adder
