#include "run/hub/store.h"

#include <algorithm>

#include "run/hub/manifest.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

/// Names in a folder, sorted; none when it cannot be read. Links are not followed.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  std::ranges::sort(names);
  return names;
}

bool is_present(const fs::path& path, uint64_t size) {
  std::error_code error;
  return fs::is_regular_file(path, error) && fs::file_size(path, error) == size && !error;
}

std::string list_of(const std::vector<StoredModel>& models) {
  std::string text;
  for (const StoredModel& model : models) text += (text.empty() ? "" : ", ") + model.text();
  return text;
}

}  // namespace

uint64_t StoredModel::bytes() const {
  uint64_t sum = 0;
  for (const RemoteFile& file : files) sum += file.size;
  return sum;
}

std::string StoredModel::text() const {
  return repository + (revision == "main" ? "" : "@" + revision) + ":" + type;
}

std::vector<std::string> ModelStore::repositories() const {
  std::vector<std::string> found;
  for (const std::string& organization : names_in(root_)) {
    for (const std::string& name : names_in(root_ / organization)) {
      if (parse_reference(organization + "/" + name)) found.push_back(organization + "/" + name);
    }
  }
  return found;
}

Result<std::vector<StoredModel>> ModelStore::list(const std::string& repository) const {
  return read_manifest(folder(repository) / "manifest.json", repository);
}

Result<std::vector<StoredModel>> ModelStore::list() const {
  std::vector<StoredModel> all;
  for (const std::string& repository : repositories()) {
    TRY_ASSIGN(const std::vector<StoredModel> models, list(repository));
    all.insert(all.end(), models.begin(), models.end());
  }
  return all;
}

Result<std::optional<StoredModel>> ModelStore::find(const HubReference& reference) const {
  TRY_ASSIGN(std::vector<StoredModel> here, list(reference.repository()));
  std::erase_if(here, [&](const StoredModel& model) {
    const bool is_revision = model.revision == reference.revision || model.commit == reference.revision;
    return !is_revision || !std::ranges::all_of(model.files, [&](const RemoteFile& file) {
      return is_present(folder(model.repository) / model.commit / file.path, file.size);
    });
  });
  if (here.empty()) return std::optional<StoredModel>();
  if (!reference.type.empty()) {
    // The same rules as on the Hub, among the files that are here.
    Repository files;
    for (const StoredModel& model : here) {
      for (const RemoteFile& file : model.files)
        if (files.find(file.path) == nullptr) files.files.push_back(file);
    }
    std::ranges::sort(files.files, {}, &RemoteFile::path);
    auto choice = choose(files, reference.type);
    if (!choice && choice.error().code() == ErrorCode::kNotFound) return std::optional<StoredModel>();
    if (!choice) return std::move(choice).error();
    const auto found = std::ranges::find(here, choice->entry, &StoredModel::entry);
    return found == here.end() ? std::nullopt : std::optional(*found);
  }
  const auto usual = std::ranges::find(here, true, &StoredModel::is_usual);
  if (usual != here.end()) return std::optional(*usual);
  if (here.size() == 1) return std::optional(here.front());
  return Error::usage("{}: several are here, which one? {}", reference.text(), list_of(here));
}

fs::path ModelStore::path_of(const StoredModel& model) const {
  const fs::path commit = folder(model.repository) / model.commit;
  return model.entry.empty() ? commit : commit / model.entry;
}

std::vector<ModelStore::Unfinished> ModelStore::unfinished() const {
  std::vector<Unfinished> found;
  for (const std::string& repository : repositories()) {
    const fs::path partial = folder(repository) / "partial";
    uint64_t bytes = 0;
    for (const std::string& name : names_in(partial)) {
      std::error_code error;
      if (const auto size = fs::file_size(partial / name, error); !error) bytes += size;
    }
    if (bytes > 0) found.push_back({repository, bytes});
  }
  return found;
}

}  // namespace adder
