#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/arch/config.h"
#include "make/train/loop/recipe.h"

namespace adder {

/// Bytes a run takes on its device, counted from shapes before anything is allocated. Weights, gradients and optimizer
/// are exact. Activations are what the layers save for the backward pass (make/train/nn), of all lanes at once; what
/// the allocator keeps besides is not in it.
struct MemoryPlan {
  int64_t weights = 0;      ///< f32
  int64_t gradients = 0;    ///< f32, one set a lane
  int64_t optimizer = 0;    ///< one number a weight under Muon, two under AdamW
  int64_t teacher = 0;      ///< f32, frozen
  int64_t activations = 0;  ///< with the output layer's blocks and gradient

  int64_t total() const { return weights + gradients + optimizer + teacher + activations; }
};
MemoryPlan plan_memory(const RunRecipe& recipe, const ModelConfig& model, const std::optional<ModelConfig>& teacher);

/// "memory on the device: 1.20 GiB = weights 0.10 + ..."
std::string to_text(const MemoryPlan& plan);

}  // namespace adder
