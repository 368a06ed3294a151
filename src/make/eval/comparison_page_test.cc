#include "make/eval/comparison_page.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace adder {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ComparedChild child_of(const std::string& name, uint64_t bytes, double kl) {
  ComparedChild child{.name = name, .bytes = bytes, .report = {}};
  RowDivergence row;
  row.kl = kl;
  child.report.add(row, 1);
  child.report.end_window();
  return child;
}

TEST(ComparisonPage, ShowsTheFiguresOfEveryChild) {
  const std::vector<ComparedChild> children = {child_of("a<b.gguf", 4'000'000, 0.25),
                                               child_of("c.gguf", 2'500'000, 0.5)};
  const std::string page = comparison_page("parent.gguf", children);
  EXPECT_THAT(page, HasSubstr("Compared with parent.gguf"));
  EXPECT_THAT(page, HasSubstr("<td>a&lt;b.gguf</td><td>4.000</td><td>2.500e-01"));
  EXPECT_THAT(page, HasSubstr("<td>c.gguf</td><td>2.500</td><td>5.000e-01"));
  EXPECT_THAT(page, HasSubstr("best for its size 0.25"));
  EXPECT_THAT(page, Not(HasSubstr("Bits per weight")));
  EXPECT_THAT(comparison_page("p", std::span(children).first(1)), Not(HasSubstr("best for its size")));
}

/// A child that is larger and worse than another is left off the line of the best.
TEST(ComparisonPage, TheFrontierKeepsTheBest) {
  const std::vector<ComparedChild> children = {child_of("a", 1'000'000, 0.5), child_of("b", 2'000'000, 0.75),
                                               child_of("c", 3'000'000, 0.125)};
  const std::string page = comparison_page("p", children);
  EXPECT_THAT(page, HasSubstr("best for its size 0.125"));
  const auto points = [&](const std::string& colour) {
    const size_t end = page.find("\" stroke=\"" + colour), begin = page.rfind("points=\"", end);
    return std::ranges::count(page.substr(begin, end - begin), ',');
  };
  EXPECT_EQ(points("#999"), 3);
  EXPECT_EQ(points("#06c"), 2);
}

TEST(ComparisonPage, ShowsLayersAndTensorsWhereTheyAreKnown) {
  ComparedChild child = child_of("c", 1, 0.5);
  const TensorSpec spec{.role = Role::kUp, .layer = 0, .shape = {4, 32}, .gguf_name = "blk.0.up", .is_matrix = true};
  child.layers = {{spec, 0.01}, {spec, 0.5}};
  child.tensors = {{"blk.0.up", DType::kF32, DType::kQ4_1, {4, 32}, {4, 32}, 0.5, 0.0625}};
  child.bits = {{"blk.0.up", 5}};
  const std::string page = comparison_page("p", {&child, 1});
  EXPECT_THAT(page, HasSubstr("change, % 50"));
  EXPECT_THAT(page, HasSubstr("Bits per weight"));
  EXPECT_THAT(page, HasSubstr("<td>blk.0.up</td><td>F32</td><td>Q4_1</td><td>6.250e-02</td><td>5.000e-01</td>"));
}

}  // namespace
}  // namespace adder
