#pragma once

#include "make/train/loop/recipe.h"

namespace adder {

/// A decay that was asked for: from `start`, over `steps` steps, to zero. steps = 0: none.
struct Decay {
  int64_t start = 0, steps = 0;
};

/// The fraction of the peak learning rate at step `step` (0 is the first). Warm-up is linear. "wsd" then stays at 1
/// until the decay, which is linear to 0 (arXiv 2405.18392 compares shapes); "cosine" goes to 0.1 at total_steps.
double rate_scale(const RunRecipe& recipe, const Decay& decay, int64_t step);

}  // namespace adder
