#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/tensor/dtype.h"

namespace adder {

/// Rounding that lets later columns of a matrix make up for the errors of earlier ones.
///
/// With G = mean of x x^T over the inputs x of the matrix, rounding a row w to q costs the product a mean squared error
/// of (w - q)^T G (w - q). Factorised as G = (U + I) D (U + I)^T, U strictly upper triangular and D diagonal, that is
///     sum_k D_k (w'_k - q_k)^2   with   w'_k = w_k + sum_{j < k} U_jk (w_j - q_j)
/// so the columns are taken in order and each w'_k, not w_k, goes to the nearest level (Frantar et al. 2022, "GPTQ"; in
/// the form of Chee et al. 2023, "QuIP"). When the first column of a block is reached, `encode` chooses the block's
/// scales for the w' known by then, weighted by D; they stay while the block's levels are chosen one after another.
/// What is written is an ordinary block of its type.
///
/// G may be known in square blocks along its diagonal only; compensation then stays within each of them.
class Compensation {
 public:
  /// `gram` is [width, block]: row i holds G_ij for the `block` columns j of the square that i lies in, from its first
  /// column i - i mod block on; beyond `width` the numbers do not matter. Any scale will do. To each diagonal `damping`
  /// times the mean of its square's diagonal is added. `block` is at least `width` or a multiple of 256. An upper
  /// triangle is enough. kCorrupt if this is no matrix of such means: negative somewhere, or not finite.
  static Result<Compensation> from_gram(std::span<const float> gram, int64_t width, int64_t block,
                                        double damping = kDamping);
  static constexpr double kDamping = 0.01;

  int64_t width() const { return static_cast<int64_t>(weights_.size()); }

  /// Rounds whole rows, [n, width], of a type that `has_levels`. The bytes do not depend on how many rows there are
  /// before or after, but rows are taken in eights: calls should begin at multiples of 8. `first_row` is the number of
  /// the first, for messages. Errors: those of `encode`, with the row.
  Status encode(DType type, std::span<const float> rows, int64_t first_row, std::byte* out) const;

  /// e^T G e of one row.
  double squared(std::span<const float> row) const;

 private:
  struct Tile;
  Status encode_tile(DType type, Tile& tile, std::byte* out, size_t row_bytes) const;

  /// U_jk of column k, for the j of its square.
  std::span<const float> column(size_t k) const { return std::span(columns_).subspan(k * block_, block_); }

  size_t block_ = 0;
  std::vector<float> columns_;  ///< [width, block]
  std::vector<float> weights_;  ///< D
};

}  // namespace adder
