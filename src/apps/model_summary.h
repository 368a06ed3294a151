#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/arch/bind.h"
#include "core/arch/budget.h"
#include "make/quantize/mix.h"

namespace adder {

/// All tensors of one data type.
struct TypeTotal {
  DType dtype;
  int64_t tensors = 0, elements = 0, bytes = 0;
};

/// What a model file holds and what running it costs.
struct ModelSummary {
  int64_t parameters = 0;
  int64_t active_parameters = 0;  ///< read for one token: all but the embedding table
  int64_t bytes = 0;              ///< of tensor data
  double bits_per_weight = 0;
  int64_t weight_bytes_per_token = 0;
  StateBytes state;              ///< of one sequence
  std::vector<TypeTotal> types;  ///< largest share first
  std::string mix;               ///< the recipe general.file_type names ("q4_k_m"), empty without one

  /// Tensors whose rows the recipe's own block does not divide, so that they carry the nearest type that fits.
  struct Fallback {
    std::string name;
    DType wanted, used;
  };
  std::vector<Fallback> fallbacks;
};

ModelSummary summarize(const BoundModel& model, DType kv_type);

}  // namespace adder
