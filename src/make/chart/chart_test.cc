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

TEST(Page, AChartCanBeAFile) {
  const std::string file = svg_file(line_chart("t", "x", {{"flat", "#000", {{1, 2}}}}));
  EXPECT_THAT(file, testing::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 280\""));
  EXPECT_THAT(file, HasSubstr("fill:none"));
  EXPECT_THAT(file, HasSubstr("flat 2"));
  EXPECT_THAT(file, testing::EndsWith("</svg>\n"));
}

TEST(LineChart, SurvivesOnePointAndNone) {
  EXPECT_THAT(line_chart("t", "x", {}), HasSubstr("<svg"));
  EXPECT_THAT(line_chart("t", "x", {{"flat", "#000", {{1, 2}}}}), HasSubstr("flat 2"));
}

/// 56 to 708 across is one decade here, 244 to 34 up is two.
TEST(LineChart, LogarithmicAxesGoByFactors) {
  const std::string svg =
      line_chart("t", "x", {{"a", "#000", {{0, 5}, {10, 0.1}, {20, 1}, {100, 10}}}}, {.x = true, .y = true});
  EXPECT_THAT(svg, HasSubstr("points=\"56.0,244.0 252.3,139.0 708.0,34.0 \""));
  for (const char* tick : {">0.1<", ">0.2<", ">0.5<", ">5<", ">20<", ">50<", ">100<"})
    EXPECT_THAT(svg, HasSubstr(tick));
  const std::string large = line_chart("t", "x", {{"a", "#000", {{20000, 1}, {2e6, 2}}}}, {.x = true});
  for (const char* tick : {">20k<", ">500k<", ">2M<"}) EXPECT_THAT(large, HasSubstr(tick));
  EXPECT_THAT(line_chart("t", "x", {{"none", "#000", {{1, 0}}}}, {.y = true}), Not(HasSubstr("polyline")));
}

TEST(LineChart, NamesThatDoNotFitAboveStandBelow) {
  std::vector<Curve> curves;
  for (const char* name : {"a", "b", "c", "d"}) curves.push_back({name, "#000", {{0, 1}, {1, 2}}});
  const std::string four = line_chart("t", "x", curves);
  EXPECT_THAT(four, HasSubstr("viewBox=\"0 0 720 296\""));
  EXPECT_THAT(four, HasSubstr("<text x=\"708\" y=\"296\" text-anchor=\"end\" fill=\"#000\">d 2</text>"));
  curves.pop_back();
  EXPECT_THAT(line_chart("t", "x", curves), HasSubstr("viewBox=\"0 0 720 280\""));
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

/// Cells of a row share what the names leave of the width, 720 - 60.
TEST(HeatMap, EachRowIsItsOwnScale) {
  const std::string svg = heat_map("scores", {{"0 <M>", {4, 1}}, {"1 -", {0.5, 0.5, 0.25}}, {"2 *", {0}}, {"3", {}}});
  EXPECT_THAT(svg, HasSubstr("0 &lt;M>"));
  EXPECT_THAT(svg, HasSubstr("width=\"330.0\" height=\"14\" fill=\"#06c\" fill-opacity=\"1.00\""));
  EXPECT_THAT(svg, HasSubstr("x=\"390.0\" y=\"28\" width=\"330.0\" height=\"14\" fill=\"#06c\" fill-opacity=\"0.25\""));
  EXPECT_THAT(svg, HasSubstr("x=\"500.0\" y=\"44\" width=\"220.0\" height=\"14\" fill=\"#06c\" fill-opacity=\"0.50\""));
  EXPECT_THAT(svg, HasSubstr("fill-opacity=\"0.00\""));
}

}  // namespace
}  // namespace adder
