#include "run/generate/draft_policy.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/rng.h"

namespace adder {
namespace {

/// An answer of n tokens on a machine where a pass over m tokens takes cost(m): seconds with and without drafts.
/// Every token is proposed after an agreement of `match` tokens, and right with probability `right`.
struct Times {
  double with, without;
};
template <class Cost>
Times answer(int n, int64_t match, double right, Cost cost, uint64_t seed = 1) {
  Rng rng(seed);
  DraftPolicy policy;
  Times times{0, n * cost(1)};
  for (int done = 0; done < n;) {
    const int64_t k = policy.choose(match, std::min<int64_t>(DraftPolicy::kMost, n - done - 1));
    policy.pass(k + 1, cost(k + 1), true);
    times.with += cost(k + 1);
    ++done;
    for (int64_t i = 0; i <= k && done < n; ++i) {
      const bool is_right = rng.uniform_double() < right;
      policy.judge(match + i, is_right, i < k);
      if (!is_right || i == k) break;
      ++done;
    }
  }
  return times;
}

double cheap(int64_t n) {
  return 0.01 * (1 + 0.1 * static_cast<double>(n - 1));
}
/// The second token costs as much as the first, as where a pass over one token is no faster for its memory.
double proportional(int64_t n) {
  return 0.01 * static_cast<double>(n);
}
/// A pass over several tokens takes other kernels, and those begin slowly.
double jumping(int64_t n) {
  return n == 1 ? 0.01 : 0.02 + 0.0005 * static_cast<double>(n);
}

TEST(DraftPolicy, ProposesNothingOutOfNothing) {
  DraftPolicy policy;
  for (int i = 0; i < 5; ++i) policy.judge(8, true, false);
  EXPECT_EQ(policy.choose(8, 15), 0);  // no pass has been timed yet
  policy.pass(1, 0.01, true);
  EXPECT_EQ(policy.choose(0, 15), 0);
  EXPECT_EQ(policy.choose(8, 0), 0);
  EXPECT_EQ(policy.choose(8, -1), 0);
  EXPECT_GT(policy.choose(8, 15), 0);
}

TEST(DraftPolicy, RepetitionsAreFaster) {
  EXPECT_LT(answer(500, 8, 1, cheap).with, 0.25 * answer(500, 8, 1, cheap).without);  // at best 2.5 / 16
  EXPECT_LT(answer(500, 8, 1, jumping).with, 0.3 * answer(500, 8, 1, jumping).without);
  EXPECT_LT(answer(500, 8, 0.8, cheap).with, 0.6 * answer(500, 8, 0.8, cheap).without);
}

TEST(DraftPolicy, NeverMuchSlower) {
  for (const auto cost : {cheap, proportional, jumping})
    for (const double right : {0.0, 0.05, 0.2, 0.4, 0.6, 0.9})
      for (uint64_t seed = 0; seed < 20; ++seed)
        for (const int n : {5, 50, 500}) {
          const Times times = answer(n, 2, right, cost, seed);
          const double stake = DraftPolicy::kCredit * cost(1) + DraftPolicy::kTolerance * times.with;
          EXPECT_LE(times.with, times.without + stake + cost(DraftPolicy::kMost + 1))
              << right << ", " << n << " tokens, seed " << seed;
        }
}

TEST(DraftPolicy, WhatFailsIsLeftAloneUntilItWouldHelp) {
  DraftPolicy policy;
  const auto step = [&](bool right) {
    const int64_t k = policy.choose(3, 4);
    policy.pass(k + 1, cheap(k + 1), true);
    policy.judge(3, right, k > 0);
    return k;
  };
  for (int i = 0; i < 60; ++i) step(false);
  EXPECT_EQ(step(false), 0);
  for (int i = 0; i < 60; ++i) step(true);  // judged though not verified
  EXPECT_GT(step(true), 0);
}

TEST(DraftPolicy, AnInterruptionIsNoMeasure) {
  DraftPolicy policy;
  for (int i = 0; i < 10; ++i) policy.judge(8, true, false);
  policy.pass(1, 1, true);
  for (int i = 0; i < 5; ++i) policy.pass(1, 0.01, true);
  const int64_t k = policy.choose(8, 15);
  ASSERT_GT(k, 0);
  policy.pass(k + 1, 1, true);  // a hundred times as long as it should take
  for (int64_t i = 0; i < k; ++i) policy.judge(8, true, true);
  for (int i = 0; i < 50; ++i) policy.pass(1, 0.01, true);
  EXPECT_GT(policy.choose(8, 15), 0);
}

}  // namespace
}  // namespace adder
