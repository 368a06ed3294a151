#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/formats/json.h"
#include "core/formats/safetensors.h"

namespace adder {

/// A Hugging Face model directory, read whole or refused:
///   config.json                         must be there
///   model.safetensors                   the weights, or else
///   model.safetensors.index.json        {"weight_map": {tensor name: shard file name}} and the shards it names
///   tokenizer.json, tokenizer_config.json, generation_config.json, hf_quant_config.json, chat_template.jinja
///                                       read when they are there
/// Python writes these texts, so its NaN and Infinity are numbers in them (JsonNumbers::kPython).
/// A shard named by the index must lie in the directory itself, links included (or, as in the Hub's cache, in the
/// blobs/ folder beside the snapshots/ folder that holds it). Index and shards must name the same tensors, each once.
class HfDirectory {
 public:
  static Result<HfDirectory> open(const std::filesystem::path& directory);

  const std::filesystem::path& path() const { return path_; }
  const nlohmann::json& config() const { return config_; }
  /// tokenizer.json, tokenizer_config.json, generation_config.json: parsed, or absent.
  const std::optional<nlohmann::json>& tokenizer() const { return tokenizer_; }
  const std::optional<nlohmann::json>& tokenizer_config() const { return tokenizer_config_; }
  const std::optional<nlohmann::json>& generation_config() const { return generation_config_; }
  /// hf_quant_config.json, in which NVIDIA's Model Optimizer says what it did.
  const std::optional<nlohmann::json>& quant_config() const { return quant_config_; }
  /// chat_template.jinja, else the (default) one in tokenizer_config.json.
  const std::optional<std::string>& chat_template() const { return chat_template_; }
  /// Over all shards, sorted by file name; in file order within one.
  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  const TensorView* find_tensor(std::string_view name) const;
  const std::vector<Safetensors>& shards() const { return shards_; }
  size_t weight_file_bytes() const;                            ///< of all shards
  void release_pages(std::span<const std::byte> part) const;   ///< see MappedFile
  size_t text_file_bytes() const { return text_file_bytes_; }  ///< of the JSON files and the template

 private:
  Status read_side_files();
  Status read_weights();
  Status read_sharded(const std::filesystem::path& index_path);

  std::filesystem::path path_;
  nlohmann::json config_;
  std::optional<nlohmann::json> tokenizer_, tokenizer_config_, generation_config_, quant_config_;
  std::optional<std::string> chat_template_;
  std::vector<Safetensors> shards_;
  std::vector<NamedTensor> tensors_;
  size_t text_file_bytes_ = 0;
};

}  // namespace adder
