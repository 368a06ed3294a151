#pragma once

#include <filesystem>
#include <map>

#include "core/arch/checkpoint_writer.h"
#include "core/text/tiny_vocabulary_test.h"
#include "core/text/tokenizer_io.h"

namespace adder {

/// Writes a model that knows one thing: which token follows which. The embedding is the identity, the only layer adds
/// nothing, and row `to` of the output has `weight` at column `from`. Tokens without a successor are followed by id
/// 0.
inline Status write_chain_model(const std::filesystem::path& path, const std::map<TokenId, TokenId>& next,
                                const TokenizerData& vocabulary, int64_t vocab_size = 264, float weight = 1) {
  ModelConfig config;
  TRY_ASSIGN(config.layers, parse_pattern("-", 32, 1));
  config.vocab_size = vocab_size;
  config.hidden_size = vocab_size;
  config.num_attention_heads = config.mamba_num_heads = config.n_groups = 1;
  config.head_dim = config.mamba_head_dim = config.ssm_state_size = 16;
  config.conv_kernel = 4;
  config.max_position_embeddings = 100;

  TRY_ASSIGN(const std::vector<GgufEntry> metadata, gguf_entries(vocabulary));
  const std::vector<TensorSpec> specs = tensor_specs(config);
  TRY_ASSIGN(CheckpointWriter writer,
             CheckpointWriter::gguf(path, config, uniform_types(specs, Layout::kGguf, DType::kF32), metadata));
  for (const TensorSpec& spec : writer.specs()) {
    const float fill = spec.is_matrix ? 0.0f : 1.0f;
    std::vector<float> values(static_cast<size_t>(spec.shape.elements()), fill);
    const auto n = static_cast<size_t>(vocab_size);
    if (spec.role == Role::kEmbedding)
      for (size_t i = 0; i < n; ++i) values[i * n + i] = 1;
    if (spec.role == Role::kOutput)
      for (const auto& [from, to] : next) values[static_cast<size_t>(to) * n + static_cast<size_t>(from)] = weight;
    TRY(writer.write(values));
  }
  return writer.finish();
}

}  // namespace adder
