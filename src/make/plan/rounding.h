#pragma once

#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/base/threads.h"
#include "core/tensor/tensor.h"

namespace adder {

/// A matrix after a trip through `type`, with importance per column or none (empty), on the threads of `pool`. Errors:
/// those of `encode`, with the row.
Result<std::vector<float>> rounded(const TensorView& w, DType type, std::span<const float> importance,
                                   ThreadPool& pool);

/// sum importance (w - rounded w)^2 / sum importance w^2 over up to 512 rows, evenly spread; 0 for zeros.
Result<double> relative_error(const TensorView& w, DType type, std::span<const float> importance, ThreadPool& pool);

}  // namespace adder
