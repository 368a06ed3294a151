#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

#include "core/formats/safetensors.h"

namespace adder {

/// The texts of a Hugging Face model directory.
struct HfFiles {
  nlohmann::json config;                                                  ///< config.json
  std::optional<nlohmann::json> tokenizer, tokenizer_config, generation;  ///< the other *.json of that name
  std::optional<std::string> chat_template;                               ///< chat_template.jinja
};

/// Writes a Hugging Face model directory with one model.safetensors, tensors streamed. Everything goes into a hidden
/// sibling (`.NAME.adder-PID`) that `finish` renames, so the directory appears whole or not at all; dropped before
/// that, the writer removes the sibling. A directory that holds files is never written into nor replaced (kUsage from
/// `begin`): its readers would see two models mixed, and what else lies there is not ours to delete.
///
///     HfWriter writer;
///     writer.weights().add_tensor("lm_head.weight", DType::kBF16, {4096, 320});
///     TRY(writer.begin(directory, files));
///     TRY(writer.weights().write_tensor(bytes));      // once per add_tensor, as in SafetensorsWriter
///     TRY(writer.finish());
class HfWriter {
 public:
  HfWriter() = default;
  HfWriter(const HfWriter&) = delete;
  HfWriter& operator=(const HfWriter&) = delete;
  ~HfWriter();

  SafetensorsWriter& weights() { return weights_; }

  Status begin(const std::filesystem::path& directory, const HfFiles& files);
  Status finish();

 private:
  Status write_texts(const HfFiles& files);

  SafetensorsWriter weights_;
  std::filesystem::path target_, temporary_;  ///< temporary_ is empty before begin and after finish
};

}  // namespace adder
