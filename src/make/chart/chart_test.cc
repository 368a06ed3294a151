#include "make/chart/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "make/chart/page.h"

namespace adder {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Page, EscapesWhatWouldBeMarkup) {
  EXPECT_EQ(escaped("a<b> & \"c\""), "a&lt;b> &amp; &quot;c&quot;");
  const std::string page = html_page("a <run>", "<p>body</p>");
  EXPECT_THAT(page, HasSubstr("<title>a &lt;run></title>"));
  EXPECT_THAT(page, HasSubstr("<p>body</p></html>"));
}

TEST(LineChart, SurvivesOnePointAndNone) {
  EXPECT_THAT(line_chart("t", "x", {}), HasSubstr("<svg"));
  EXPECT_THAT(line_chart("t", "x", {{"flat", "#000", {{1, 2}}}}), HasSubstr("flat 2"));
}

/// Bars begin at x = 250; the longest thing drawn ends at 720 - 90, 380 further on.
TEST(BarChart, LengthsAreInProportion) {
  const std::string svg = bar_chart("tokens/s", {{"a < b", 5, 5, 5, 0}, {"long", 10, 10, 10, 0}});
  EXPECT_THAT(svg, HasSubstr("a &lt; b"));
  EXPECT_THAT(svg, HasSubstr("width=\"190.0\""));
  EXPECT_THAT(svg, HasSubstr("width=\"380.0\""));
  EXPECT_THAT(svg, Not(HasSubstr("class=\"range\"")));
  EXPECT_THAT(svg, Not(HasSubstr("class=\"limit\"")));
}

TEST(BarChart, RangesAndLimitsAreOnTheSameScale) {
  const std::string svg = bar_chart("GB/s", {{"a", 5, 4, 6, 10}});
  EXPECT_THAT(svg, HasSubstr("M402.0 35H478.0"));  // 250 + 380 * 0.4 to 250 + 380 * 0.6
  EXPECT_THAT(svg, HasSubstr("M630.0"));
}

TEST(BarChart, OfNothingOrZeroesIsEmptyNotBroken) {
  EXPECT_THAT(bar_chart("t", {}), HasSubstr("</svg>"));
  EXPECT_THAT(bar_chart("t", {{"zero", 0, 0, 0, 0}}), HasSubstr("width=\"0.0\""));
}

}  // namespace
}  // namespace adder
