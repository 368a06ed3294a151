#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/quant/compensation.h"
#include "make/calib/imatrix.h"

namespace adder {

/// How the rows of one matrix are rounded: every number to a level near it, columns weighed by importance, or, where it
/// is known how inputs vary together, each column making up for the errors of those before it.
struct RowRounding {
  int64_t width = 0;                                      ///< of a row
  std::vector<float> importance = {};                     ///< per column; empty: all alike
  std::shared_ptr<const Compensation> compensation = {};  ///< null: none

  /// Whole rows, from row `first_row` of the matrix on, a multiple of kRows. Types without levels to choose are rounded
  /// to the nearest. Errors: those of `encode`, with the row.
  Status encode(DType type, std::span<const float> rows, int64_t first_row, std::byte* out) const;
  static constexpr int64_t kRows = 8;

  /// The squared length of a row in which errors count as they do for the products: e^T G e, or sum importance e^2.
  double squared(std::span<const float> row) const;
};

/// What `imatrix` (null: nothing) knows about this matrix. Errors: those of `Imatrix::importance`, and of
/// `Compensation::from_gram`.
Result<RowRounding> row_rounding(const Imatrix* imatrix, const TensorSpec& spec);

}  // namespace adder
