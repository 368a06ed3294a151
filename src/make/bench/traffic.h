#pragma once

#include <cstdint>

#include "core/arch/bind.h"

namespace adder {

/// Memory that one pass of generation has to touch: `batch` sequences, each at `position`, take a token each. Bytes.
/// What stays in caches from op to op (activations, the log of the chunk) is not counted, so a share of the bound that
/// is worked out with it is rather too low than too high.
struct PassTraffic {
  int64_t weights = 0;        ///< once for all sequences (weight_bytes_per_token)
  int64_t state_read = 0;     ///< SSM state and convolution window; the state once more every kChunk tokens
  int64_t state_written = 0;  ///< the SSM state every kChunk tokens, so a share of it
  int64_t kv_read = 0;        ///< keys and values of all positions before
  int64_t total() const { return weights + state_read + state_written + kv_read; }
};
PassTraffic pass_traffic(const BoundModel& model, DType kv_type, DType state_type, int64_t batch, int64_t position);

/// Arithmetic that the model asks for, additions and multiplications counted, for n positions of a prompt from `first`
/// on and the logits of the last: 2 R C for every matrix [R, C], 4 D for every key a query head sees, 4 P N for every
/// head of the recurrence. A kernel may do more (the chunked scan does); the answer does not need it.
double prompt_operations(const ModelConfig& config, int64_t first, int64_t n);

}  // namespace adder
