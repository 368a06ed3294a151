#include "core/base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "core/base/mapped_file.h"

namespace adder {

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& target) {
  AtomicFile file;
  file.target_ = target;
  file.temporary_ = target.parent_path() / fmt::format(".{}.adder-{}", target.filename().string(), ::getpid());
  file.fd_ = ::open(file.temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file.fd_ < 0) return Error::io("{}: cannot create: {}", target.string(), std::strerror(errno));
  return file;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      fd_(std::exchange(other.fd_, -1)),
      written_(other.written_) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(target_, other.target_);
  std::swap(temporary_, other.temporary_);
  std::swap(fd_, other.fd_);
  std::swap(written_, other.written_);
  return *this;
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::discard() noexcept {
  if (fd_ < 0) return;
  ::close(std::exchange(fd_, -1));
  ::unlink(temporary_.c_str());
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error::io("{}: cannot write: {}", target_.string(), std::strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(n));
    written_ += static_cast<uint64_t>(n);
  }
  return {};
}

Status AtomicFile::overwrite(uint64_t offset, std::string_view text) {
  CHECK(offset <= written_ && text.size() <= written_ - offset, "{} bytes at {} of {}", text.size(), offset, written_);
  while (!text.empty()) {
    const ssize_t n = ::pwrite(fd_, text.data(), text.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error::io("{}: cannot write: {}", target_.string(), std::strerror(errno));
    text.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return {};
}

Status AtomicFile::commit() {
  if (::fsync(fd_) != 0) return Error::io("{}: cannot sync: {}", target_.string(), std::strerror(errno));
  if (::rename(temporary_.c_str(), target_.c_str()) != 0)
    return Error::io("{}: cannot rename into place: {}", target_.string(), std::strerror(errno));
  ::close(std::exchange(fd_, -1));
  return {};
}

Status write_file(const std::filesystem::path& target, std::string_view text) {
  TRY_ASSIGN(auto file, AtomicFile::create(target));
  TRY(file.write(text));
  return file.commit();
}

Status make_directory(const std::filesystem::path& path) {
  std::error_code failure;
  std::filesystem::create_directories(path, failure);
  if (failure) return Error::io("{}: cannot create the directory ({})", path.string(), failure.message());
  return {};
}

Result<std::string> read_file(const std::filesystem::path& path, size_t limit) {
  TRY_ASSIGN(auto file, MappedFile::open(path));
  const auto bytes = file.bytes();
  if (bytes.size() > limit)
    return Error::too_large("{}: {} bytes, at most {} expected", path.string(), bytes.size(), limit);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace adder
