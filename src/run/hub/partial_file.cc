#include "run/hub/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace adder {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlock = size_t{1} << 20;

Error refused(const fs::path& path, std::string_view what) {
  return Error::io("{}: cannot {}: {}", path.string(), what, std::strerror(errno));
}

/// Reads up to `limit` bytes from where `fd` stands; gives how many there were.
Result<uint64_t> digest_of(int fd, const fs::path& path, uint64_t limit, Digest& digest, const KeepGoing& keep_going) {
  std::vector<std::byte> block(kBlock);
  uint64_t done = 0;
  while (done < limit) {
    TRY(keep_going());
    const ssize_t n = ::read(fd, block.data(), std::min<uint64_t>(block.size(), limit - done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refused(path, "read");
    if (n == 0) break;
    digest.update(std::span(block).first(static_cast<size_t>(n)));
    done += static_cast<uint64_t>(n);
  }
  return done;
}

}  // namespace

Result<PartialFile> PartialFile::open(const fs::path& path, const RemoteFile& file, const KeepGoing& keep_going) {
  TRY_ASSIGN(Digest digest, Digest::begin(file.kind, file.size));
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
  if (fd < 0) return refused(path, "create");
  PartialFile partial(path, file, fd, std::move(digest));
  TRY(partial.read_what_is_there(keep_going));
  return partial;
}

PartialFile::PartialFile(PartialFile&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::move(other.file_)),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      digest_(std::move(other.digest_)) {}

PartialFile::~PartialFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status PartialFile::read_what_is_there(const KeepGoing& keep_going) {
  struct stat info {};
  if (::fstat(fd_, &info) != 0) return refused(path_, "look at");
  if (!S_ISREG(info.st_mode)) return Error::io("{}: expected a regular file", path_.string());
  if (static_cast<uint64_t>(info.st_size) > file_.size) return restart();
  TRY_ASSIGN(size_, digest_of(fd_, path_, file_.size, digest_, keep_going));
  return {};
}

Status PartialFile::append(std::span<const std::byte> bytes) {
  if (bytes.size() > file_.size - size_)
    return Error::corrupt("{}: the server sends more than its {} bytes", file_.path, file_.size);
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return refused(path_, "write");
    digest_.update(bytes.first(static_cast<size_t>(n)));
    size_ += static_cast<uint64_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Status PartialFile::restart() {
  if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0) return refused(path_, "empty");
  size_ = 0;
  TRY_ASSIGN(digest_, Digest::begin(file_.kind, file_.size));
  return {};
}

Result<bool> PartialFile::verify() {
  if (digest_.hex() == file_.digest) return true;
  TRY(restart());
  return false;
}

Status PartialFile::publish(const fs::path& target) {
  if (::fsync(fd_) != 0) return refused(path_, "sync");
  if (::rename(path_.c_str(), target.c_str()) != 0) return refused(target, "rename into place");
  return {};
}

Result<bool> has_digest(const fs::path& path, const RemoteFile& file, const KeepGoing& keep_going) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  struct Closed {
    int fd;
    ~Closed() { ::close(fd); }
  } closed{fd};
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || static_cast<uint64_t>(info.st_size) != file.size)
    return false;
  TRY_ASSIGN(Digest digest, Digest::begin(file.kind, file.size));
  TRY_ASSIGN(const uint64_t size, digest_of(fd, path, file.size, digest, keep_going));
  return size == file.size && digest.hex() == file.digest;
}

}  // namespace adder
