#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace adder {

/// What adder can run, for messages that refuse something else.
inline constexpr std::string_view kSupportedArchitectures = "nemotron_h (dense: Mamba-2, attention and MLP layers)";

/// One layer is one pre-norm, one mixer, one residual add (arXiv 2504.03624). The letters are those of
/// `hybrid_override_pattern`.
enum class LayerKind : char { kMamba = 'M', kAttention = '*', kMlp = '-' };

struct LayerConfig {
  LayerKind kind = LayerKind::kMamba;
  int64_t intermediate_size = 0;    ///< F of an MLP layer, 0 elsewhere
  int64_t num_key_value_heads = 0;  ///< KV heads of an attention layer, 0 elsewhere

  bool operator==(const LayerConfig&) const = default;
};

/// Every hyper-parameter of a nemotron_h model, under the names of its config.json. Nothing here has a default that
/// a file did not give, but norm_eps and the special ids.
struct ModelConfig {
  std::vector<LayerConfig> layers;
  int64_t vocab_size = 0;   ///< V
  int64_t hidden_size = 0;  ///< H
  // attention: no bias, no rotary embedding
  int64_t num_attention_heads = 0;
  int64_t head_dim = 0;
  // Mamba-2
  int64_t mamba_num_heads = 0;
  int64_t mamba_head_dim = 0;  ///< P
  int64_t ssm_state_size = 0;  ///< N
  int64_t n_groups = 0;        ///< G
  int64_t conv_kernel = 0;     ///< K
  double norm_eps = 1e-5f;     ///< a value of f32, as GGUF stores it
  bool tie_word_embeddings = false;
  int64_t max_position_embeddings = 0;  ///< a limit users are told of; no table depends on it

  /// norm_eps for people and JSON, the double nearest to the shortest decimal that reads back to the same f32: 1e-05,
  /// where norm_eps itself would print as 9.999999747378752e-06.
  double printed_norm_eps() const;

  int64_t d_inner() const { return mamba_num_heads * mamba_head_dim; }
  int64_t conv_dim() const { return d_inner() + 2 * n_groups * ssm_state_size; }
  int64_t in_proj_rows() const { return d_inner() + conv_dim() + mamba_num_heads; }
  int64_t q_rows() const { return num_attention_heads * head_dim; }

  int64_t n_layers() const { return static_cast<int64_t>(layers.size()); }
  int64_t count(LayerKind kind) const;
  std::string pattern() const;  ///< "M-M*"

  bool operator==(const ModelConfig&) const = default;
};

/// Turns a pattern into layers of equal widths. '|' separators are skipped, other letters refused ('E' by name).
Result<std::vector<LayerConfig>> parse_pattern(std::string_view pattern, int64_t intermediate_size,
                                               int64_t num_key_value_heads);

/// All that must hold between the numbers (positive, within sane limits, heads divide); lists every violation.
Status validate(const ModelConfig& config);

class ModelFile;
/// Reads GGUF metadata or config.json (both dialects and the alternate spellings). Foreign architectures and
/// nemotron_h_moe are refused by name with the supported list.
Result<ModelConfig> read_config(const ModelFile& file);

}  // namespace adder
