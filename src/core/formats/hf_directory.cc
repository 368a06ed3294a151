#include "core/formats/hf_directory.h"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "core/formats/names.h"

namespace adder {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

Result<std::optional<Json>> read_optional_json(const fs::path& path) {
  if (!is_there(path)) return std::optional<Json>();
  TRY_ASSIGN(auto value, read_json(path, JsonNumbers::kPython));
  return std::optional(std::move(value));
}

/// tokenizer_config.json holds one template, or a list of named ones.
std::optional<std::string> template_of(const Json& tokenizer_config) {
  if (!tokenizer_config.is_object() || !tokenizer_config.contains("chat_template")) return {};
  const Json& value = tokenizer_config["chat_template"];
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return {};
  for (const Json& named : value) {
    if (named.is_object() && named.value("name", Json()) == "default" && named.value("template", Json()).is_string())
      return named["template"].get<std::string>();
  }
  return {};
}

bool is_inside(const fs::path& path, const fs::path& directory) {
  return std::ranges::mismatch(directory, path).in1 == directory.end();
}

/// The file that an index calls `name`, if it is one the directory may hand out.
Result<fs::path> find_shard(const fs::path& directory, const std::string& name) {
  const fs::path relative = name;
  if (name.empty() || relative.is_absolute() || std::ranges::find(relative, "..") != relative.end())
    return Error::corrupt("shard {}: expected a file name inside the directory", quote(name));
  const fs::path path = directory / relative;
  if (!is_there(path)) return Error::not_found("shard {} is missing", quote(name));
  std::error_code error;
  const fs::path root = fs::canonical(directory, error), target = fs::canonical(path, error);
  if (error) return Error::io("shard {}: {}", quote(name), error.message());
  // The Hub's cache: models--NAME/snapshots/REVISION/ is made of links into models--NAME/blobs/.
  const bool is_cached =
      root.parent_path().filename() == "snapshots" && is_inside(target, root.parent_path().parent_path() / "blobs");
  if (!is_inside(target, root) && !is_cached)
    return Error::corrupt("shard {} is a link that leaves the directory, to {}", quote(name), quote(target.string()));
  return path;
}

/// Shard file name -> names of its tensors.
Result<std::map<std::string, std::set<std::string>>> read_index(const fs::path& path) {
  TRY_ASSIGN(const auto index, read_json(path));
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    return Error::corrupt("{}: expected an object with an object 'weight_map'", path.string());
  std::map<std::string, std::set<std::string>> shards;
  for (const auto& [tensor, shard] : index["weight_map"].items()) {
    if (!shard.is_string())
      return Error::corrupt("{}: 'weight_map', tensor {}: expected a file name, found {}", path.string(), quote(tensor),
                            shard.type_name());
    shards[shard.get<std::string>()].insert(tensor);
  }
  return shards;
}

}  // namespace

Result<HfDirectory> HfDirectory::open(const fs::path& directory) {
  HfDirectory hf;
  hf.path_ = directory;
  if (!is_there(directory / "config.json"))
    return Error::not_found("{}: no config.json, expected a Hugging Face model directory", directory.string());
  TRY_ASSIGN(hf.config_, read_json(directory / "config.json", JsonNumbers::kPython));
  if (!hf.config_.is_object())
    return Error::corrupt("{}: expected an object, found {}", (directory / "config.json").string(),
                          hf.config_.type_name());
  TRY(hf.read_side_files());
  TRY(hf.read_weights());
  return hf;
}

Status HfDirectory::read_side_files() {
  for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json",
                           "hf_quant_config.json", "chat_template.jinja"}) {
    std::error_code absent;
    const auto bytes = fs::file_size(path_ / name, absent);
    if (!absent) text_file_bytes_ += bytes;
  }
  TRY_ASSIGN(tokenizer_, read_optional_json(path_ / "tokenizer.json"));
  TRY_ASSIGN(tokenizer_config_, read_optional_json(path_ / "tokenizer_config.json"));
  TRY_ASSIGN(generation_config_, read_optional_json(path_ / "generation_config.json"));
  TRY_ASSIGN(quant_config_, read_optional_json(path_ / "hf_quant_config.json"));
  if (const fs::path path = path_ / "chat_template.jinja"; is_there(path)) {
    TRY_ASSIGN(chat_template_, read_file(path, size_t{16} << 20));
  } else if (tokenizer_config_) {
    chat_template_ = template_of(*tokenizer_config_);
  }
  return {};
}

Status HfDirectory::read_weights() {
  const fs::path single = path_ / "model.safetensors", index = path_ / "model.safetensors.index.json";
  if (is_there(single)) {
    TRY_ASSIGN(auto shard, Safetensors::open(single));
    tensors_ = shard.tensors();
    shards_.push_back(std::move(shard));
    return {};
  }
  if (is_there(index)) return read_sharded(index);
  return Error::not_found("{}: neither model.safetensors nor model.safetensors.index.json", path_.string());
}

Status HfDirectory::read_sharded(const fs::path& index_path) {
  TRY_ASSIGN(const auto index, read_index(index_path));
  std::map<std::string, std::string> shard_of;  // tensor -> the file it was found in
  for (const auto& [file, expected] : index) {
    auto path = find_shard(path_, file);
    if (!path) return std::move(path).error().in(index_path.string());
    TRY_ASSIGN(auto shard, Safetensors::open(*path));
    for (const NamedTensor& tensor : shard.tensors()) {
      const auto [first, is_new] = shard_of.emplace(tensor.name, file);
      if (!is_new)
        return Error::corrupt("{}: tensor {} is in two shards, {} and {}", path_.string(), quote(tensor.name),
                              quote(first->second), quote(file));
      tensors_.push_back(tensor);
    }
    shards_.push_back(std::move(shard));
  }
  for (const auto& [file, expected] : index) {
    for (const std::string& tensor : expected) {
      const auto found = shard_of.find(tensor);
      if (found == shard_of.end() || found->second != file)
        return Error::corrupt("{}: tensor {} is missing from its shard {}", index_path.string(), quote(tensor),
                              quote(file));
      shard_of.erase(found);
    }
  }
  if (!shard_of.empty())
    return Error::corrupt("{}: tensor {} of shard {} is not in the index", index_path.string(),
                          quote(shard_of.begin()->first), quote(shard_of.begin()->second));
  return {};
}

void HfDirectory::release_pages(std::span<const std::byte> part) const {
  for (const Safetensors& shard : shards_) shard.release_pages(part);
}

size_t HfDirectory::weight_file_bytes() const {
  size_t bytes = 0;
  for (const Safetensors& shard : shards_) bytes += shard.file_bytes();
  return bytes;
}

const TensorView* HfDirectory::find_tensor(std::string_view name) const {
  const auto found = std::ranges::find(tensors_, name, &NamedTensor::name);
  return found == tensors_.end() ? nullptr : &found->view;
}

}  // namespace adder
