#include "run/hub/manifest.h"

#include "core/base/atomic_file.h"
#include "core/formats/json.h"
#include "core/formats/names.h"

namespace adder {
namespace {

namespace fs = std::filesystem;
using OrderedJson = nlohmann::ordered_json;

constexpr int kVersion = 1;

OrderedJson file_json(const RemoteFile& file) {
  return {{"path", file.path}, {"size", file.size}, {std::string(name(file.kind)), file.digest}};
}

OrderedJson model_json(const StoredModel& model) {
  OrderedJson files = OrderedJson::array();
  for (const RemoteFile& file : model.files) files.push_back(file_json(file));
  return {{"revision", model.revision}, {"type", model.type},     {"usual", model.is_usual}, {"commit", model.commit},
          {"endpoint", model.endpoint}, {"pulled", model.pulled}, {"entry", model.entry},    {"files", files}};
}

Result<RemoteFile> file_from(const nlohmann::json& json, const std::string& where) {
  const DigestKind kind = json.contains("sha256") ? DigestKind::kSha256 : DigestKind::kGitBlob;
  return checked_file(json.at("path").get<std::string>(), json.at("size").get<uint64_t>(), kind,
                      json.at(std::string(name(kind))).get<std::string>(), where);
}

Result<StoredModel> model_from(const nlohmann::json& json, const std::string& repository, const std::string& where) {
  StoredModel model;
  model.repository = repository;
  json.at("revision").get_to(model.revision);
  json.at("type").get_to(model.type);
  json.at("usual").get_to(model.is_usual);
  json.at("commit").get_to(model.commit);
  json.at("endpoint").get_to(model.endpoint);
  json.at("pulled").get_to(model.pulled);
  json.at("entry").get_to(model.entry);
  if (!is_commit(model.commit)) return Error::corrupt("{}: {} is no commit", where, quote(model.commit));
  if (!model.entry.empty() && !is_safe_path(model.entry))
    return Error::corrupt("{}: {} is no path inside a repository", where, quote(model.entry));
  for (const auto& file : json.at("files")) {
    TRY_ASSIGN(model.files.emplace_back(), file_from(file, where));
  }
  return model;
}

}  // namespace

Result<std::vector<StoredModel>> read_manifest(const fs::path& path, const std::string& repository) {
  std::vector<StoredModel> models;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return models;
  TRY_ASSIGN(const auto json, read_json(path));
  try {
    if (json.at("version") != kVersion)
      return Error::unsupported("{}: version {}, expected {}", path.string(), json.at("version").dump(), kVersion);
    for (const auto& model : json.at("models")) {
      TRY_ASSIGN(models.emplace_back(), model_from(model, repository, path.string()));
    }
  } catch (const nlohmann::json::exception& error) {
    return Error::corrupt("{}: no manifest of pulled models: {}", path.string(), error.what());
  }
  return models;
}

Status write_manifest(const fs::path& path, const std::vector<StoredModel>& models) {
  OrderedJson list = OrderedJson::array();
  for (const StoredModel& model : models) list.push_back(model_json(model));
  return write_file(path, OrderedJson{{"version", kVersion}, {"models", list}}.dump(2) + "\n");
}

}  // namespace adder
