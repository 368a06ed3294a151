#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "core/formats/safetensors.h"

namespace adder {

/// A Hugging Face model directory: config.json, one or more safetensors files (with their index, when sharded),
/// and the side files that are there. Paths in the index must stay inside the directory.
class HfDirectory {
 public:
  static Result<HfDirectory> open(const std::filesystem::path& directory);

  const std::filesystem::path& path() const { return path_; }
  const nlohmann::json& config() const { return config_; }
  /// tokenizer.json, tokenizer_config.json, generation_config.json: parsed, or absent.
  const std::optional<nlohmann::json>& tokenizer() const { return tokenizer_; }
  const std::optional<nlohmann::json>& tokenizer_config() const { return tokenizer_config_; }
  const std::optional<nlohmann::json>& generation_config() const { return generation_config_; }
  const std::optional<std::string>& chat_template() const { return chat_template_; }
  /// Over all shards, in file order.
  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  const TensorView* find_tensor(std::string_view name) const;

 private:
  std::filesystem::path path_;
  nlohmann::json config_;
  std::optional<nlohmann::json> tokenizer_, tokenizer_config_, generation_config_;
  std::optional<std::string> chat_template_;
  std::vector<Safetensors> shards_;
  std::vector<NamedTensor> tensors_;
};

/// Parses JSON text; errors name the file and byte.
Result<nlohmann::json> parse_json(std::string_view text, std::string_view name);

}  // namespace adder
