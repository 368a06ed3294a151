#pragma once

#include <vector>

#include "core/arch/bind.h"
#include "core/base/threads.h"

namespace adder {

/// kUsage if a matrix of the model is not F32, F16 or BF16, of which FP8 is made.
Status check_fp8_source(const BoundModel& model);

/// limit / 448, 1 for a limit of zero.
float fp8_scale(float limit);

/// What 448 is to stand for in each chosen matrix: its largest magnitude, or with `least_squares` the limit with the
/// least squared error; q, k and v of a layer share the largest of theirs. Zero for the other tensors.
std::vector<float> weight_limits(const BoundModel& model, const std::vector<bool>& chosen, bool least_squares,
                                 ThreadPool& pool);

}  // namespace adder
