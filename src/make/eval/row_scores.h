#pragma once

#include <span>

#include "core/text/tokenizer.h"

namespace adder {

/// What one row of logits says about the token that came next. Natural logarithms, double precision throughout.
struct RowScore {
  double nll = 0;      ///< -ln p(next)
  TokenId top = 0;     ///< the most likely token, the first among equals
  bool right = false;  ///< it is the one that came
};

/// How one model's prediction Q (the child) differs from another's P (the parent) at the same position.
struct RowDivergence {
  RowScore parent, child;
  double kl = 0;       ///< sum_v P(v) ln(P(v) / Q(v)) >= 0
  double delta_p = 0;  ///< Q(next) - P(next)
};

/// `next` lies inside the row. A row that holds a NaN, or no finite value, gives an `nll` that is not finite.
RowScore score_row(std::span<const float> logits, TokenId next);

/// Rows of equal length.
RowDivergence compare_rows(std::span<const float> parent, std::span<const float> child, TokenId next);

}  // namespace adder
