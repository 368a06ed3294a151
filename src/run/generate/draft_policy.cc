#include "run/generate/draft_policy.h"

#include <algorithm>

namespace adder {
namespace {

constexpr double kFade = 0.9;         // of the line's past, for each pass that verifies drafts
constexpr double kSingleRate = 0.15;  // of a new pass in the running mean
constexpr int kMemory = 24;           // drafts that a share remembers
constexpr double kOutlier = 2;        // a pass cannot be longer than this times what was expected: it was interrupted

}  // namespace

/// Until it is measured: what the 4B's shapes cost (docs/performance.md, 8).
DraftPolicy::DraftPolicy() {
  line_.add(2, 1.5, 0.2);
  line_.add(1 + kMost, 5.7, 0.2);
}

void DraftPolicy::Line::add(double tokens, double cost, double weight) {
  w += weight;
  n += weight * tokens;
  nn += weight * tokens * tokens;
  r += weight * cost;
  nr += weight * tokens * cost;
}

double DraftPolicy::share(int64_t match) const {
  return shares_[static_cast<size_t>(std::min(match, kClasses - 1))].value;
}

double DraftPolicy::cost(int64_t n) const {
  const double spread = line_.w * line_.nn - line_.n * line_.n;
  const double mean_n = line_.n / line_.w, mean_r = line_.r / line_.w;
  const double slope = spread > 1e-9 ? std::max(0.0, (line_.w * line_.nr - line_.n * line_.r) / spread) : 0;
  return std::max(1.0, mean_r + slope * (static_cast<double>(n) - mean_n));
}

int64_t DraftPolicy::choose(int64_t match, int64_t most) const {
  if (match == 0 || single_ == 0) return 0;
  const double stake = kCredit + (kTolerance * time_ + balance_) / single_;
  int64_t best = 0;
  double best_speed = 1, tokens = 1, reached = 1;
  for (int64_t k = 1; k <= std::min(most, kMost); ++k) {
    reached *= share(match + k - 1);
    tokens += reached;
    const double passes = cost(k + 1);
    if (passes - 1 > stake) break;
    if (tokens / passes <= best_speed) continue;
    best = k;
    best_speed = tokens / passes;
  }
  return best;
}

void DraftPolicy::pass(int64_t n, double seconds, bool typical) {
  time_ += seconds;
  if (n == 1) {
    if (!typical) return;
    if (single_ == 0 || kOutlier * seconds < single_) single_ = seconds;  // the one before was interrupted
    single_ += kSingleRate * (std::min(seconds, kOutlier * single_) - single_);
    return;
  }
  const double passes = std::min(seconds / single_, kOutlier * cost(n));
  balance_ -= (passes - 1) * single_;
  if (!typical) return;
  for (double* sum : {&line_.w, &line_.n, &line_.nn, &line_.r, &line_.nr}) *sum *= kFade;
  line_.add(static_cast<double>(n), passes, 1);
}

void DraftPolicy::judge(int64_t match, bool right, bool verified) {
  Share& share = shares_[static_cast<size_t>(std::min(match, kClasses - 1))];
  share.seen = std::min(share.seen + 1, kMemory);
  share.value += ((right ? 1.0 : 0.0) - share.value) / (share.seen + 1);
  if (right && verified) balance_ += single_;
}

}  // namespace adder
