#include "run/model/activations.h"

#include <algorithm>

#include "run/kernels/ops.h"

namespace adder {
namespace {

/// Floats per token the mixers need at a time: the widest projection into a mixer, and the widest inside it.
int64_t wide_width(const ModelConfig& config) {
  int64_t width = 0;
  for (const LayerConfig& layer : config.layers) {
    switch (layer.kind) {
      case LayerKind::kMamba:
        width = std::max(width, config.in_proj_rows());
        break;
      case LayerKind::kAttention:
        width = std::max(width, config.q_rows() + 2 * layer.num_key_value_heads * config.head_dim);
        break;
      case LayerKind::kMlp:
        width = std::max(width, layer.intermediate_size);
        break;
    }
  }
  return width;
}

int64_t narrow_width(const ModelConfig& config) {
  return std::max(config.d_inner(), config.q_rows());
}

/// Blocks of 32 per token for the input of any linear map.
int64_t rounded_blocks(const ModelConfig& config) {
  int64_t width = std::max(kLogitParts * config.hidden_size, narrow_width(config));
  for (const LayerConfig& layer : config.layers) width = std::max(width, layer.intermediate_size);
  return width / 32;
}

}  // namespace

ActivationBytes activation_bytes(const ModelConfig& config, int64_t n_tokens, int64_t n_logits) {
  constexpr auto kFloat = static_cast<int64_t>(sizeof(float)), kBlock = static_cast<int64_t>(sizeof(Q8Block));
  return {.stream = n_tokens * config.hidden_size * kFloat,
          .wide = n_tokens * wide_width(config) * kFloat,
          .narrow = n_tokens * narrow_width(config) * kFloat,
          .rounded = n_tokens * rounded_blocks(config) * kBlock,
          .logits = n_logits * config.vocab_size * kFloat};
}

}  // namespace adder
