#include "make/train/loop/schedule.h"

#include <gtest/gtest.h>

namespace adder {
namespace {

Recipe recipe_with(const std::string& schedule, int64_t warmup, int64_t total) {
  Recipe recipe;
  recipe.schedule = schedule;
  recipe.warmup_steps = warmup;
  recipe.total_steps = total;
  return recipe;
}

TEST(Schedule, WarmsUpStaysLevelAndDecaysOnDemand) {
  const Recipe recipe = recipe_with("wsd", 4, 0);
  EXPECT_DOUBLE_EQ(rate_scale(recipe, {}, 0), 0.25);
  EXPECT_DOUBLE_EQ(rate_scale(recipe, {}, 3), 1);
  EXPECT_DOUBLE_EQ(rate_scale(recipe, {}, 100'000), 1);
  const Decay decay{.start = 100, .steps = 4};
  EXPECT_DOUBLE_EQ(rate_scale(recipe, decay, 99), 1);
  EXPECT_DOUBLE_EQ(rate_scale(recipe, decay, 100), 0.75);
  EXPECT_DOUBLE_EQ(rate_scale(recipe, decay, 103), 0);
  EXPECT_DOUBLE_EQ(rate_scale(recipe, decay, 200), 0);
}

TEST(Schedule, CosineGoesFromThePeakToATenth) {
  const Recipe recipe = recipe_with("cosine", 10, 110);
  EXPECT_DOUBLE_EQ(rate_scale(recipe, {}, 10), 1);
  EXPECT_NEAR(rate_scale(recipe, {}, 60), 0.55, 1e-12);
  EXPECT_NEAR(rate_scale(recipe, {}, 110), 0.1, 1e-12);
  EXPECT_NEAR(rate_scale(recipe, {}, 500), 0.1, 1e-12);
}

}  // namespace
}  // namespace adder
