#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/arch/roles.h"

namespace adder {

/// Which matrices become FP8.
enum class Fp8Policy : uint8_t {
  kSelective,  ///< those of the layers, but for attention layers and the last Mamba layer before each of them
  kLayers,     ///< all of the layers, as FP8_DEFAULT_CFG of Model Optimizer
  kAll,        ///< these and the output matrix
};

std::string_view name(Fp8Policy policy);  ///< "selective", "layers", "all"
std::optional<Fp8Policy> fp8_policy_from_name(std::string_view name);

/// One entry per tensor_specs(config). Convolutions, vectors and the embedding never become FP8, so neither does the
/// output of a model with tied embeddings.
std::vector<bool> fp8_tensors(Fp8Policy policy, const ModelConfig& config);

}  // namespace adder
