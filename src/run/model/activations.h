#pragma once

#include <cstdint>

#include "core/arch/config.h"

namespace adder {

/// Parts in which activations are rounded before the output matrix: what is rounded away there shows in every logit,
/// and a second part comes nearly free, as a token waits for the weights.
inline constexpr int64_t kLogitParts = 2;

/// Memory of one forward pass, all f32 but `rounded`.
struct ActivationBytes {
  int64_t stream = 0;   ///< [n_tokens, H], held three times: residual stream, a mixer's input, its output
  int64_t wide = 0;     ///< [n_tokens, widest in-projection], scratch of the mixers
  int64_t narrow = 0;   ///< [n_tokens, widest inner width], scratch of the mixers
  int64_t rounded = 0;  ///< [n_tokens, widest input of a linear map / 32] of Q8Block
  int64_t logits = 0;   ///< [n_logits, V]
  int64_t total() const { return 3 * stream + wide + narrow + rounded + logits; }
};

/// What `Forward::run` takes for a batch of so many tokens and rows of logits, and keeps for the next.
ActivationBytes activation_bytes(const ModelConfig& config, int64_t n_tokens, int64_t n_logits);

}  // namespace adder
