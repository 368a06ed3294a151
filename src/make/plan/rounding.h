#pragma once

#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/base/threads.h"
#include "core/tensor/tensor.h"
#include "make/calib/row_rounding.h"

namespace adder {

/// A matrix after a trip through `type`, on the threads of `pool`. Errors: those of `encode`, with the row.
Result<std::vector<float>> rounded(const TensorView& w, DType type, const RowRounding& rounding, ThreadPool& pool);

/// sum |w - rounded w|^2 / sum |w|^2 in `RowRounding::squared`, over up to 512 rows, evenly spread in eights; 0 for
/// zeros.
Result<double> relative_error(const TensorView& w, DType type, const RowRounding& rounding, ThreadPool& pool);

}  // namespace adder
