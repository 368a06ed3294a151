#pragma once

#include <filesystem>
#include <map>
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
  std::optional<nlohmann::json> quant_config;                             ///< hf_quant_config.json
};

/// Writes a Hugging Face model directory with one model.safetensors, tensors streamed. Until `finish` everything lies
/// in a hidden place; dropped before that, the writer removes it and nothing has changed. Whenever the program or the
/// disk fails, the name stands for the old model or the new one, whole; never for some files of each.
///   - A new directory is made as a sibling (`.NAME.adder-PID`) and renamed.
///   - One that holds a model is replaced by such a sibling: the two change names in one step (where the file system
///     cannot, in two, and a crash between them leaves the old one under `.NAME.adder-PID.old`), and the old one is
///     removed. Files that are no part of a model are in both by then, as links (where there are none, they are moved
///     afterwards).
///   - A directory without any of the files to write is filled, config.json last: without it there is no model.
/// What a reader could take for a part of the new model is refused by `begin` (kUsage, by name): other *.safetensors,
/// an index of shards, a PyTorch checkpoint, a text of HfFiles or a seal that is not written this time.
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

  /// Before `begin`: the directory gets a kSealFile (seal.h).
  void seal() { is_sealed_ = true; }
  Status begin(const std::filesystem::path& directory, const HfFiles& files);
  /// `receipt`: what kSealFile is to say besides, an object.
  Status finish(nlohmann::ordered_json receipt = nlohmann::ordered_json::object());

 private:
  enum class Target { kNew, kFilled, kReplaced };

  Result<Target> check_target() const;
  bool is_written(const std::filesystem::path& name) const;
  Status write_text(const std::string& name, const std::string& text);
  Status write_seal(nlohmann::ordered_json receipt);
  Status fill_target();
  void link_others();
  Status replace_target();

  SafetensorsWriter weights_;
  std::vector<std::string> names_;            ///< of the files to write, config.json last
  std::map<std::string, std::string> texts_;  ///< hashes of those written, by name
  std::filesystem::path target_, temporary_;  ///< temporary_ is empty before begin and after finish
  Target target_was_ = Target::kNew;
  bool is_sealed_ = false;
};

}  // namespace adder
