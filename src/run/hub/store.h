#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/function_ref.h"
#include "run/hub/choice.h"
#include "run/hub/partial_file.h"

namespace adder {

/// A model that has been pulled whole.
struct StoredModel {
  std::string repository;  ///< ORG/NAME
  std::string revision;    ///< as it was asked for
  std::string type;        ///< of its Choice
  bool is_usual = false;   ///< what choose() takes of this repository when no type is named
  std::string commit;
  std::string endpoint;  ///< where it came from
  std::string pulled;    ///< when: 2026-01-31T23:59:59Z
  std::string entry;     ///< of its Choice
  std::vector<RemoteFile> files;

  uint64_t bytes() const;
  std::string text() const;  ///< the reference that names it: ORG/NAME[@REVISION]:TYPE
};

/// Models on disk, in plain folders that may be looked at and deleted by hand:
///   models/ORG/NAME/COMMIT/PATH      files as the repository has them, each whole and with the right digest
///   models/ORG/NAME/manifest.json    the models made of them; written last
///   models/ORG/NAME/partial/DIGEST   files on their way
///   models/ORG/NAME/lock             held by the process that changes any of it
/// Looking something up takes no lock.
class ModelStore {
 public:
  explicit ModelStore(const std::filesystem::path& cache) : root_(cache / "models") {}

  /// Every model, by name. A manifest that cannot be read is an error that names it.
  Result<std::vector<StoredModel>> list() const;
  Result<std::vector<StoredModel>> list(const std::string& repository) const;

  /// The model that a reference means among those that are here, if all its files are. Without a type: the usual one,
  /// else the only one. kUsage when several are here and none of them is the usual one.
  Result<std::optional<StoredModel>> find(const HubReference& reference) const;

  /// What to open: a GGUF file or a directory.
  std::filesystem::path path_of(const StoredModel& model) const;

  struct Unfinished {
    std::string repository;
    uint64_t bytes = 0;
  };
  /// Repositories with files on their way, or what an interrupted process left of them.
  std::vector<Unfinished> unfinished() const;

  std::filesystem::path folder(const std::string& repository) const { return root_ / repository; }

 private:
  std::vector<std::string> repositories() const;
  std::filesystem::path root_;
};

/// The right to change one repository's folder; one process at a time has it, until it ends or lets go.
class StoreLock {
 public:
  /// Waits until it is free; `keep_going` is asked meanwhile.
  static Result<StoreLock> acquire(const ModelStore& store, const std::string& repository, const KeepGoing& keep_going);
  StoreLock(StoreLock&& other) noexcept;
  StoreLock& operator=(StoreLock&&) = delete;
  ~StoreLock();

  /// Where a file is on its way; the folder is made. By digest, so that it may be begun at one commit and end at
  /// another.
  Result<std::filesystem::path> partial_path(const RemoteFile& file) const;
  /// Where it belongs.
  std::filesystem::path final_path(const std::string& commit, const RemoteFile& file) const;
  /// Makes the folders of final_path. kIo when a link leads out of this repository's folder.
  Result<std::filesystem::path> make_room(const std::string& commit, const RemoteFile& file) const;
  /// A file of the same content that another commit has here.
  Result<std::optional<std::filesystem::path>> find_content(const RemoteFile& file) const;

  /// Writes down a model whose files are all in place. It takes the place of one of the same revision and type; files
  /// that no model needs any more go.
  Status record(const StoredModel& model) const;
  /// Forgets the models that `leaves` says; the whole folder when none stays. Gives those that went.
  Result<std::vector<StoredModel>> remove(FunctionRef<bool(const StoredModel&)> leaves) const;

 private:
  StoreLock(std::filesystem::path folder, const ModelStore& store, std::string repository, int fd)
      : folder_(std::move(folder)), store_(store), repository_(std::move(repository)), fd_(fd) {}
  Status write(const std::vector<StoredModel>& models) const;

  std::filesystem::path folder_;
  ModelStore store_;
  std::string repository_;
  int fd_;
};

}  // namespace adder
