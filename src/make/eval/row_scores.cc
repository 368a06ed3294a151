#include "make/eval/row_scores.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"

namespace adder {
namespace {

/// ln sum_v exp(logits[v]), the largest taken out first.
double log_sum_exp(std::span<const float> logits, float largest) {
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  return largest + std::log(sum);
}

struct Row {
  explicit Row(std::span<const float> l)
      : logits(l), top(std::ranges::max_element(l) - l.begin()), log_sum(log_sum_exp(l, l[static_cast<size_t>(top)])) {}

  double log_p(size_t v) const { return logits[v] - log_sum; }
  RowScore score(TokenId next) const {
    CHECK(next >= 0 && static_cast<size_t>(next) < logits.size(), "token {} of {}", next, logits.size());
    return {-log_p(static_cast<size_t>(next)), static_cast<TokenId>(top), top == next};
  }

  std::span<const float> logits;
  std::ptrdiff_t top;
  double log_sum;
};

}  // namespace

RowScore score_row(std::span<const float> logits, TokenId next) {
  return Row(logits).score(next);
}

RowDivergence compare_rows(std::span<const float> parent, std::span<const float> child, TokenId next) {
  CHECK(parent.size() == child.size(), "{} and {} logits", parent.size(), child.size());
  const Row p(parent), q(child);
  RowDivergence result{p.score(next), q.score(next), 0, 0};
  for (size_t v = 0; v < parent.size(); ++v) {
    const double log_p = p.log_p(v);
    const double probability = std::exp(log_p);
    if (probability > 0) result.kl += probability * (log_p - q.log_p(v));
  }
  result.kl = std::max(result.kl, 0.0);  // rounding may leave equal rows at -1e-17; a NaN stays one
  result.delta_p = std::exp(-result.child.nll) - std::exp(-result.parent.nll);
  return result;
}

}  // namespace adder
