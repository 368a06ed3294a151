#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/formats/safetensors.h"

namespace adder {

/// The texts of a Hugging Face model directory.
struct HfFiles {
  nlohmann::json config;                                                  ///< config.json
  std::optional<nlohmann::json> tokenizer, tokenizer_config, generation;  ///< the other *.json of that name
  std::optional<std::string> chat_template;                               ///< chat_template.jinja
};

/// Writes a Hugging Face model directory with one model.safetensors, tensors streamed. Until `finish` everything lies
/// in a hidden place; dropped before that, the writer removes it and nothing has changed.
///   - A new directory is made as a sibling (`.NAME.adder-PID`) and renamed: it appears whole or not at all.
///   - In a directory that is there (staging folder `.adder-PID` inside it), `finish` replaces the files of the same
///     names one by one, each whole, config.json last, and leaves all others as they are. What a reader could take for
///     a part of the new model is refused by `begin` (kUsage, by name): other *.safetensors, an index of shards, a
///     PyTorch checkpoint, a text of HfFiles that is not written this time.
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
  Status check_target() const;
  Status move_files();

  SafetensorsWriter weights_;
  std::vector<std::string> names_;            ///< of the files to write, config.json last
  std::filesystem::path target_, temporary_;  ///< temporary_ is empty before begin and after finish
  bool in_place_ = false;                     ///< the target was there before
};

}  // namespace adder
