#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/arch/config.h"
#include "core/tensor/dtype.h"

namespace adder {

/// Exact, and known before anything is written.
struct WeightCount {
  struct OfType {
    DType type;
    int64_t parameters = 0;
    uint64_t bytes = 0;
  };
  int64_t parameters = 0;
  uint64_t bytes = 0;           ///< of tensor data
  std::vector<OfType> by_type;  ///< largest first
};
/// `types` has one entry per tensor_specs(config), each a type whose blocks fit the rows.
WeightCount count_weights(const ModelConfig& config, std::span<const DType> types);

}  // namespace adder
