#include "make/train/loop/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace adder {

double rate_scale(const RunRecipe& recipe, const Decay& decay, int64_t step) {
  const double at = static_cast<double>(step), warmup = static_cast<double>(recipe.warmup_steps);
  double scale = step < recipe.warmup_steps ? (at + 1) / warmup : 1.0;
  if (recipe.schedule == "cosine" && step >= recipe.warmup_steps) {
    const double span = static_cast<double>(recipe.total_steps) - warmup;
    const double done = std::min(1.0, (at - warmup) / span);
    scale = 0.1 + 0.45 * (1 + std::cos(std::numbers::pi * done));
  }
  if (decay.steps > 0 && step >= decay.start) {
    scale *= std::max(0.0, 1 - static_cast<double>(step - decay.start + 1) / static_cast<double>(decay.steps));
  }
  return scale;
}

}  // namespace adder
