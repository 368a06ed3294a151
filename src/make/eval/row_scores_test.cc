#include "make/eval/row_scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace adder {
namespace {

std::vector<float> logs(std::initializer_list<double> probabilities, float shift = 0) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)) + shift);
  return logits;
}
constexpr double kF32 = 1e-6;

TEST(ScoreRow, IsTheLogLikelihoodWhateverTheShift) {
  for (const float shift : {0.0f, 100.0f, -1000.0f}) {
    const RowScore score = score_row(logs({0.25, 0.5, 0.25}, shift), 0);
    EXPECT_NEAR(std::log(4.0), score.nll, shift == 0 ? kF32 : 1e-4);
    EXPECT_EQ(1, score.top);
  }
}

TEST(ScoreRow, OfEqualLogitsIsLnV) {
  const std::vector<float> logits(131072, 3.5f);
  const RowScore score = score_row(logits, 77);
  EXPECT_NEAR(11.783502, score.nll, kF32);
  EXPECT_EQ(0, score.top);
}

TEST(CompareRows, ComputesTheDivergenceInTheRightDirection) {
  const RowDivergence d = compare_rows(logs({0.5, 0.25, 0.25}), logs({0.25, 0.25, 0.5}, 2), 0);
  // 0.5 ln(0.5/0.25) + 0.25 ln 1 + 0.25 ln(0.25/0.5) = 0.25 ln 2; the other way round it would be the same
  EXPECT_NEAR(0.25 * std::log(2.0), d.kl, kF32);
  EXPECT_NEAR(-0.25, d.delta_p, kF32);
  EXPECT_EQ(0, d.parent.top);
  EXPECT_EQ(2, d.child.top);
  const RowDivergence forward = compare_rows(logs({0.9, 0.1}), logs({0.5, 0.5}), 1);
  EXPECT_NEAR(0.9 * std::log(1.8) + 0.1 * std::log(0.2), forward.kl, kF32);
  EXPECT_NEAR(std::log(10.0), forward.parent.nll, kF32);
  EXPECT_NEAR(std::log(2.0), forward.child.nll, kF32);
}

TEST(CompareRows, OfEqualRowsIsZero) {
  std::vector<float> logits;
  for (int v = 0; v < 1000; ++v) logits.push_back(std::sin(static_cast<float>(v)) * 9);
  const RowDivergence d = compare_rows(logits, logits, 5);
  EXPECT_GE(d.kl, 0);
  EXPECT_LT(d.kl, 1e-15);
  EXPECT_EQ(0, d.delta_p);
}

TEST(CompareRows, ATokenThatTheParentRulesOutDoesNotCount) {
  const float never = -std::numeric_limits<float>::infinity();
  const RowDivergence d = compare_rows(std::vector<float>{0, 0, never}, std::vector<float>{0, 0, 0}, 0);
  EXPECT_NEAR(std::log(1.5), d.kl, kF32);
}

TEST(Rows, ThatAreNoNumbersShowIt) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(std::isfinite(score_row(std::vector<float>{0, nan, 1}, 0).nll));
  EXPECT_FALSE(std::isfinite(compare_rows(std::vector<float>{0, 1}, std::vector<float>{0, nan}, 0).kl));
}

}  // namespace
}  // namespace adder
