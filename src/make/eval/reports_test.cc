#include <gmock/gmock.h>

#include <cmath>
#include <numbers>

#include "make/eval/divergence.h"
#include "make/eval/perplexity.h"

namespace adder {
namespace {

using ::testing::HasSubstr;

TEST(PerplexityReport, OfTwoTokens) {
  PerplexityReport report;
  report.windows = 1;
  report.add({std::log(2.0), 0}, 3);
  report.add({std::log(8.0), 0}, 1);
  EXPECT_DOUBLE_EQ(4, report.perplexity());
  EXPECT_DOUBLE_EQ(4 * std::numbers::ln2, report.perplexity_error());  // deviation sqrt(2) ln 2, over sqrt(2)
  EXPECT_DOUBLE_EQ(1, report.bits_per_byte());                         // 1 + 3 bits over 4 bytes
  EXPECT_DOUBLE_EQ(4, report.to_json().at("perplexity"));
  EXPECT_EQ(2, report.to_json().at("tokens"));
  EXPECT_THAT(report.to_text(), HasSubstr("4.0000 ± 2.7726"));
}

DivergenceReport four_positions() {
  DivergenceReport report;
  const double parent_p[] = {0.5, 0.25, 0.5, 0.125}, child_p[] = {0.25, 0.25, 0.5, 0.25}, kl[] = {0.4, 0.2, 0, 0.2};
  for (int i = 0; i < 4; ++i) {
    RowDivergence row;
    row.parent = {-std::log(parent_p[i]), 7, i < 2};
    row.child = {-std::log(child_p[i]), i == 0 ? 8 : 7, i == 1};
    row.kl = kl[i];
    row.delta_p = child_p[i] - parent_p[i];
    report.add(row, 2);
  }
  report.end_window();
  return report;
}

TEST(DivergenceReport, OfFourPositions) {
  const DivergenceReport report = four_positions();
  EXPECT_DOUBLE_EQ(std::exp2(7.0 / 4), report.parent().perplexity());  // 1 + 2 + 1 + 3 bits
  EXPECT_DOUBLE_EQ(std::exp2(7.0 / 4), report.child().perplexity());   // 2 + 2 + 1 + 2 bits
  EXPECT_EQ(8, report.child().bytes);
  EXPECT_NEAR(0, report.log_ratio(), 1e-15);
  EXPECT_NEAR(std::numbers::ln2 * std::sqrt(2.0 / 3 / 4), report.log_ratio_error(), 1e-15);  // differences 1 0 0 -1
  EXPECT_NEAR(0.522233, report.correlation(), 1e-6);  // centred bits: -3 1 -3 5 and 1 1 -3 1, over 4
  EXPECT_DOUBLE_EQ(0.2, report.kl().mean());
  EXPECT_DOUBLE_EQ(0.75, report.same_top());
  EXPECT_DOUBLE_EQ(std::sqrt(0.75 * 0.25 / 3), report.same_top_error());
  EXPECT_DOUBLE_EQ(-0.03125, report.delta_p().mean());
  EXPECT_DOUBLE_EQ(std::sqrt((0.0625 + 0.015625) / 4), report.rms_delta_p());
  // Squares 64, 0, 0, 16 of 1024, mean 20
  const double deviation = std::sqrt((44.0 * 44 + 20 * 20 + 20 * 20 + 4 * 4) / 3) / 1024;
  EXPECT_NEAR(deviation / 2 / (2 * report.rms_delta_p()), report.rms_delta_p_error(), 1e-12);
  EXPECT_NEAR(0, report.perplexity_difference(), 1e-12);
  EXPECT_NEAR(report.parent().perplexity() * report.log_ratio_error(), report.perplexity_difference_error(), 1e-12)
      << "both have the same perplexity";
  EXPECT_DOUBLE_EQ(0.5, report.accuracy().x().mean());
  EXPECT_DOUBLE_EQ(0.25, report.accuracy().y().mean());
  EXPECT_DOUBLE_EQ(0.5, report.accuracy_ratio());
  // child - parent / 2 is -0.5, 0.5, 0, 0: deviation sqrt(0.5/3), over sqrt(4), over the parent's half
  EXPECT_NEAR(std::sqrt(0.5 / 3) / 2 / 0.5, report.accuracy_ratio_error(), 1e-12);
}

TEST(DivergenceReport, IntervalOfTheAccuracyRatioIsOverWindows) {
  DivergenceReport report;
  const int parent_right[] = {4, 2, 2}, child_right[] = {3, 2, 2};
  for (int window = 0; window < 3; ++window) {
    EXPECT_EQ(report.accuracy_ratio_interval().has_value(), window >= 2) << "one window has no spread";
    for (int i = 0; i < 5; ++i) {
      RowDivergence row;
      row.parent.right = i < parent_right[window];
      row.child.right = i < child_right[window];
      report.add(row, 1);
    }
    report.end_window();
  }
  // R = 7/8; child - R parent is -1/2, 1/4, 1/4: squares 3/8 over 3 * 2, the root 1/4 over 8/3 right answers a window;
  // Student's t of two degrees is 4.302653.
  const auto interval = report.accuracy_ratio_interval();
  ASSERT_TRUE(interval);
  EXPECT_NEAR(0.875 - 4.302653 * 3 / 32, interval->low, 1e-6);
  EXPECT_NEAR(0.875 + 4.302653 * 3 / 32, interval->high, 1e-6);
  EXPECT_NEAR(interval->low, report.to_json().at("accuracy").at("ratio_95")[0], 1e-12);
  EXPECT_THAT(report.to_text(), HasSubstr("0.4716 to 1.2784"));
  EXPECT_TRUE(four_positions().to_json().at("accuracy").at("ratio_95").is_null());
}

TEST(DivergenceReport, OfAParentThatIsNeverRightHasNoAccuracyRatio) {
  DivergenceReport report;
  for (int window = 0; window < 2; ++window) {
    report.add({}, 1);
    report.end_window();
  }
  EXPECT_EQ(0, report.accuracy_ratio());
  EXPECT_FALSE(report.accuracy_ratio_interval());
}

TEST(DivergenceReport, ListsPercentiles) {
  const auto object = four_positions().to_json();
  EXPECT_EQ(0.4, object.at("kl").at("max"));
  EXPECT_EQ(0.2, object.at("kl").at("median"));
  EXPECT_NEAR(0.34, object.at("kl").at("p90"), 1e-12);
  EXPECT_EQ(0.0, object.at("kl").at("min"));
  EXPECT_EQ(0.125, object.at("delta_p").at("max"));
  EXPECT_EQ(-0.25, object.at("delta_p").at("min"));
  EXPECT_EQ(0.75, object.at("same_top"));
  const std::string text = four_positions().to_text();
  EXPECT_THAT(text, HasSubstr("same top       75.000"));
  EXPECT_THAT(text, HasSubstr("max          0.400000"));
}

TEST(DivergenceReport, OfNothingPrints) {
  const DivergenceReport report;
  EXPECT_EQ(0, report.same_top());
  EXPECT_THAT(report.to_text(), HasSubstr("0 tokens in 0 windows"));
  EXPECT_TRUE(report.to_json().contains("kl"));
}

}  // namespace
}  // namespace adder
