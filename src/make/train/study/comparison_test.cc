#include "make/train/study/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adder {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RunLog run(std::vector<std::pair<int64_t, double>> kl, int64_t parameters = 100) {
  RunLog log{.points = {}, .end = 1000};
  for (const auto& [tokens, value] : kl) {
    log.points.push_back({.tokens = tokens,
                          .loss = value + 1,
                          .accuracy = 0.5,
                          .kl = value,
                          .agreement = 0.25,
                          .parameters = parameters});
  }
  return log;
}

Comparison two_methods() {
  return Comparison({{"kept", {run({{0, 2}, {1000, 0.5}}), run({{0, 4}, {1000, 0.7}}, 90)}},
                     {"drawn", {run({{0, 5}, {50, 1}, {1000, 0.8}})}}});
}

TEST(Comparison, MeansOverSeedsWithTheirStandardError) {
  const Comparison c = two_methods();
  EXPECT_EQ(c.tokens(), (std::vector<int64_t>{0, 50, 1000}));
  const Mean mean = c.mean(0, Measure::kKl, 0);
  EXPECT_EQ(mean.runs, 2);
  EXPECT_DOUBLE_EQ(mean.value, 3);
  EXPECT_DOUBLE_EQ(mean.error, 1);  // 2 and 4: deviation sqrt 2, over sqrt 2
  EXPECT_EQ(c.mean(0, Measure::kKl, 50).runs, 0);
  EXPECT_DOUBLE_EQ(c.mean(1, Measure::kLoss, 50).value, 2);
}

TEST(Comparison, TellsTheBestWhereAllHaveCome) {
  EXPECT_EQ(two_methods().best().value(), "kept");
  const Comparison early({{"fast", {run({{0, 5}, {50, 1}})}}, {"slow", {run({{0, 4}, {50, 2}, {1000, 0.1}})}}});
  EXPECT_EQ(early.best().value(), "fast");
  EXPECT_FALSE(Comparison({{"a", {run({{0, 1}})}}, {"b", {run({{5, 1}})}}}).best());
}

TEST(Comparison, WhatFewKnowIsNoColumn) {
  const Comparison c({{"a", {run({{0, 5}, {1000, 1}})}},
                      {"b", {run({{0, 4}, {1000, 1}})}},
                      {"c", {run({{0, 4}, {100, 3}, {1000, 1}})}}});
  EXPECT_EQ(c.tokens(), (std::vector<int64_t>{0, 1000}));
}

TEST(Comparison, AnEndThatNobodyReachedIsNone) {
  const Comparison c({{"short", {run({{0, 5}, {50, 1}})}}, {"whole", {run({{1000, 0.1}})}}});
  EXPECT_DOUBLE_EQ(c.at_end("whole", Measure::kKl)->value, 0.1);
  EXPECT_THAT(c.at_end("short", Measure::kKl).error().message(), HasSubstr("no run of short was judged at its end"));
  EXPECT_THAT(c.at_end("none", Measure::kKl).error().message(), HasSubstr("'none' is none of the methods"));
}

TEST(Comparison, TablesHaveARowAMethodAndAColumnACount) {
  const std::string text = two_methods().text();
  EXPECT_THAT(text, HasSubstr("KL to the parent  parameters  runs              0 %     5 %"));
  EXPECT_THAT(text, HasSubstr("kept                90 - 100     2  3.0000 ± 1.0000          0.6000 ± 0.1000"));
  EXPECT_THAT(text, HasSubstr("drawn                    100     1           5.0000  1.0000           0.8000"));
  EXPECT_THAT(text, HasSubstr("100 % is 1000 tokens."));
  EXPECT_THAT(two_methods().markdown(), HasSubstr("| kept | 90 - 100 | 2 | 50.0 ± 0.0 |"));
  const std::string page = two_methods().page("a <study>");
  EXPECT_THAT(page, HasSubstr("a &lt;study>"));
  EXPECT_THAT(page, HasSubstr("<polyline"));
  EXPECT_THAT(page, Not(HasSubstr("http")));
  const auto charts = two_methods().charts();
  ASSERT_EQ(charts.size(), kMeasures);
  EXPECT_EQ(charts[0].first, "kl");
  EXPECT_THAT(charts[0].second, HasSubstr("drawn 0.8"));
  const auto json = two_methods().json();
  EXPECT_EQ(json["methods"][0]["points"][0]["kl"]["mean"], 3);
  EXPECT_EQ(json["methods"][0]["parameters"][1], 90);
  EXPECT_FALSE(json.contains("seam"));
}

}  // namespace
}  // namespace adder
