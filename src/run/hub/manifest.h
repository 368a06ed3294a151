#pragma once

#include <filesystem>
#include <vector>

#include "run/hub/store.h"

namespace adder {

/// The models of one repository's folder, as manifest.json has them:
///   {"version": 1, "models": [{"revision", "type", "usual", "commit", "endpoint", "pulled", "entry",
///                              "files": [{"path", "size", "sha256" or "git_sha1"}]}]}
/// None when there is no such file. kCorrupt for one of another form, or with paths that leave the folder.
Result<std::vector<StoredModel>> read_manifest(const std::filesystem::path& path, const std::string& repository);

Status write_manifest(const std::filesystem::path& path, const std::vector<StoredModel>& models);

}  // namespace adder
