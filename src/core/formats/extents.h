#pragma once

#include <cstdint>
#include <span>

#include "core/base/result.h"
#include "core/tensor/tensor.h"

namespace adder {

/// The shape a file announces (slowest first), after checking that elements and bytes can be counted in 63 bits, that
/// there are at most Shape::kMaxRank dims, and that rows are whole blocks of `dtype`. Only then may `Shape::elements`
/// and `TensorView::bytes` be called.
Result<Shape> checked_shape(DType dtype, std::span<const uint64_t> dims);

}  // namespace adder
