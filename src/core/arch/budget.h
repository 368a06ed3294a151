#pragma once

#include <cstdint>

#include "core/arch/bind.h"

namespace adder {

/// Exact counts, from the config alone.
int64_t parameter_count(const ModelConfig& config);

/// Parameters read for one generated token: all but the embedding table (of which one row is).
int64_t active_parameter_count(const ModelConfig& config);

/// Bytes of weights read for one generated token, as the file stores them.
int64_t weight_bytes_per_token(const BoundModel& model);

/// What one sequence remembers.
struct StateBytes {
  int64_t conv = 0;          ///< (K-1) columns of conv_dim, f32, all Mamba layers
  int64_t ssm = 0;           ///< [Hm, N, P], all Mamba layers
  int64_t kv_per_token = 0;  ///< keys and values of all attention layers
};
StateBytes state_bytes(const ModelConfig& config, DType kv_type, DType state_type = DType::kF32);

}  // namespace adder
