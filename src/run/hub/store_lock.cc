#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>
#include <thread>
#include <utility>

#include "run/hub/manifest.h"
#include "run/hub/store.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kBetweenTries{50};

/// The file that `fd` has open still is the one called `path`: the last holder may have removed it.
bool is_still(int fd, const fs::path& path) {
  struct stat open {
  }, named{};
  return ::fstat(fd, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

Status make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Error::io("{}: cannot create: {}", folder.string(), error.message());
  return {};
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  return std::ranges::mismatch(folder, path).in1 == folder.end();
}

/// Everything in a commit's folder that is not in `needed`, and folders that become empty.
void sweep(const fs::path& commit, const std::set<fs::path>& needed) {
  std::vector<fs::path> files, folders;
  std::error_code error;
  for (fs::recursive_directory_iterator it(commit, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const bool is_folder = it->is_directory(ignored) && !it->is_symlink(ignored);
    (is_folder ? folders : files).push_back(it->path());
  }
  for (const fs::path& file : files)
    if (!needed.contains(file)) fs::remove(file, error);
  std::ranges::reverse(folders);  // inner ones first
  for (const fs::path& folder : folders) ::rmdir(folder.c_str());
  ::rmdir(commit.c_str());
}

}  // namespace

Result<StoreLock> StoreLock::acquire(const ModelStore& store, const std::string& repository,
                                     const KeepGoing& keep_going) {
  const fs::path folder = store.folder(repository), path = folder / "lock";
  for (;;) {
    TRY(keep_going());
    TRY(make_folder(folder));
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0 && errno != ENOENT) return Error::io("{}: cannot open: {}", path.string(), std::strerror(errno));
    if (fd < 0) continue;  // the folder went this moment
    StoreLock lock(folder, store, repository, fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
      if (is_still(fd, path)) return lock;
      continue;
    }
    if (errno != EWOULDBLOCK && errno != EINTR)
      return Error::io("{}: cannot lock: {}", path.string(), std::strerror(errno));
    std::this_thread::sleep_for(kBetweenTries);
  }
}

StoreLock::StoreLock(StoreLock&& other) noexcept
    : folder_(std::move(other.folder_)),
      store_(std::move(other.store_)),
      repository_(std::move(other.repository_)),
      fd_(std::exchange(other.fd_, -1)) {}

StoreLock::~StoreLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<fs::path> StoreLock::partial_path(const RemoteFile& file) const {
  TRY(make_folder(folder_ / "partial"));
  return folder_ / "partial" / file.digest;
}

fs::path StoreLock::final_path(const std::string& commit, const RemoteFile& file) const {
  return folder_ / commit / file.path;
}

Result<fs::path> StoreLock::make_room(const std::string& commit, const RemoteFile& file) const {
  fs::path path = final_path(commit, file);
  // Made step by step: create_directories would go through a link before one could look.
  fs::path folder = folder_;
  std::error_code error;
  const fs::path root = fs::canonical(folder_, error);
  for (const fs::path& step : path.parent_path().lexically_relative(folder_)) {
    folder /= step;
    fs::create_directory(folder, error);
    const fs::path real = fs::canonical(folder, error);
    if (error) return Error::io("{}: cannot create: {}", folder.string(), error.message());
    if (!is_inside(real, root)) return Error::io("{}: a link that leads out of {}", folder.string(), root.string());
  }
  return path;
}

Result<std::optional<fs::path>> StoreLock::find_content(const RemoteFile& file) const {
  TRY_ASSIGN(const std::vector<StoredModel> models, store_.list(repository_));
  for (const StoredModel& model : models) {
    for (const RemoteFile& other : model.files)
      if (other.digest == file.digest && other.size == file.size) return std::optional(final_path(model.commit, other));
  }
  return std::optional<fs::path>();
}

Status StoreLock::write(const std::vector<StoredModel>& models) const {
  TRY(write_manifest(folder_ / "manifest.json", models));
  std::set<fs::path> needed;
  for (const StoredModel& model : models) {
    for (const RemoteFile& file : model.files) needed.insert(final_path(model.commit, file));
  }
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error))
    if (is_commit(it->path().filename().string())) sweep(it->path(), needed);
  ::rmdir((folder_ / "partial").c_str());  // if nothing is on its way
  return {};
}

Status StoreLock::record(const StoredModel& model) const {
  TRY_ASSIGN(std::vector<StoredModel> models, store_.list(repository_));
  std::erase_if(models,
                [&](const StoredModel& old) { return old.revision == model.revision && old.type == model.type; });
  models.push_back(model);
  std::ranges::sort(models, {}, &StoredModel::text);
  return write(models);
}

Result<std::vector<StoredModel>> StoreLock::remove(FunctionRef<bool(const StoredModel&)> leaves) const {
  TRY_ASSIGN(std::vector<StoredModel> models, store_.list(repository_));
  const auto stay =
      std::stable_partition(models.begin(), models.end(), [&](const StoredModel& m) { return !leaves(m); });
  const std::vector<StoredModel> gone(stay, models.end());
  models.erase(stay, models.end());
  if (!models.empty()) {
    TRY(write(models));
    return gone;
  }
  std::error_code error;
  fs::remove_all(folder_, error);
  if (error) return Error::io("{}: cannot remove: {}", folder_.string(), error.message());
  ::rmdir(folder_.parent_path().c_str());  // if no other repository is in it
  return gone;
}

}  // namespace adder
