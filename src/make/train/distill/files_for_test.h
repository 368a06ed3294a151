#pragma once

#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/atomic_file.h"
#include "core/base/testing/temp_dir.h"
#include "make/train/data/bpe_trainer.h"
#include "make/train/export/export.h"
#include "make/train/nn/parameters.h"

namespace adder::test {

/// Books of a few sentences, some of them in another folder, the last of each held out.
inline void write_books(const std::filesystem::path& folder, const std::string& sentence) {
  std::filesystem::create_directories(folder);
  std::string text;
  for (int i = 0; i < 12; ++i) text += fmt::format("{} {}. ", sentence, i);
  for (const char* name : {"1-first.txt", "2-second.txt", "7-held-out.txt"}) {
    ASSERT_TRUE(write_file(folder / name, text + name));
  }
}

/// A recipe that says something else in one place.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// The tables that the recipe of every run has, to follow its own.
inline std::string run_tables(std::string_view learning_rate, int64_t total_steps) {
  return fmt::format(R"(
[judge]
at = []
windows = 48
[train]
seed = 1
seq_len = 16
batch = 4
lanes = 2
micro_batch = 1
chunk = 8
recompute = false
segment = 0
precision = "f32"
[optimizer]
kind = "adamw"
learning_rate = {}
matrix_rate = 0
beta1 = 0.9
beta2 = 0.95
weight_decay = 0.1
clip = 1.0
[schedule]
kind = "cosine"
warmup_steps = 2
total_steps = {}
)",
                     learning_rate, total_steps);
}

inline TokenizerData small_tokenizer() {
  const WordCounts words = {{"the", 9}, {" rat", 8}, {" ran", 7}, {" cat", 6}};
  return train_bpe(words, 280).value();
}

inline ModelConfig small_config(std::string_view pattern, int64_t hidden = 24, int64_t ffn = 20, int64_t heads = 4) {
  ModelConfig config;
  config.layers = parse_pattern(pattern, ffn, 2).value();
  config.vocab_size = 280;
  config.hidden_size = hidden;
  config.num_attention_heads = 4;
  config.head_dim = 4;
  config.mamba_num_heads = heads;
  config.mamba_head_dim = 6;
  config.ssm_state_size = 5;
  config.n_groups = 2;
  config.conv_kernel = 4;
  config.max_position_embeddings = 64;
  return config;
}

inline Parameters random_parameters(const ModelConfig& config, uint64_t seed = 11) {
  Parameters params(config, torch::kFloat32);
  params.initialise(seed, 0.15);
  return params;
}

inline void write_model(const Parameters& params, const std::filesystem::path& out,
                        std::optional<NestedRecord> nested = {}) {
  const ExportNotes notes{.title = "test", .steps = {{"made for a test", ""}}, .nested = std::move(nested)};
  const Status written = export_model(params, small_tokenizer(), notes, Mix::kF32, out);
  ASSERT_TRUE(written) << written.error().message();
}

}  // namespace adder::test
