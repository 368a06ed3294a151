#include "make/compress/budget_search.h"

#include <gmock/gmock.h>

#include "core/arch/budget.h"
#include "core/arch/presets.h"
#include "core/base/testing/expect_error.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;

TEST(BudgetSearch, TheFormulaCountsEveryTensor) {
  EXPECT_EQ(parameters_by_formula(nano_12b()), 12310001152);
  EXPECT_EQ(parameters_by_formula(nano_9b()), 8888227328);
  EXPECT_EQ(parameters_by_formula(nano_4b()), 3973556832);
  ModelConfig config = tiny();
  EXPECT_EQ(parameters_by_formula(config), parameter_count(config));
  config.tie_word_embeddings = true;
  config.layers[3].num_key_value_heads = 4;
  config.layers[1].intermediate_size = 96;
  config.num_attention_heads = 4;
  EXPECT_EQ(parameters_by_formula(config), parameter_count(config));
}

TEST(BudgetSearch, FindsAnEvenShapeJustBelowTheBudget) {
  const ModelConfig parent = nano_9b();
  for (const int64_t percent : {30, 45, 80}) {
    const int64_t budget = parameter_count(parent) * percent / 100;
    const ChildShape child = widths_for_budget(parent, whole(parent), budget, 64).value();
    const ModelConfig config = child_config(parent, child).value();
    EXPECT_LE(parameter_count(config), budget);
    EXPECT_GE(static_cast<double>(parameter_count(config)), 0.995 * static_cast<double>(budget));
    EXPECT_EQ(child.d_model % 64, 0);
    EXPECT_EQ(child.d_ff[0] % 64, 0);
    const std::vector<double> shares = {static_cast<double>(child.d_model) / 4480,
                                        static_cast<double>(child.d_ff[0]) / 15680,
                                        static_cast<double>(child.mamba_heads) / 128};
    EXPECT_GT(std::ranges::min(shares) / std::ranges::max(shares), 0.97) << percent;
    EXPECT_EQ(child.mamba_head_dim, 80);
    EXPECT_EQ(child.attention_heads, 40);
  }
}

/// Every shape of a small model, tried by other means: the search's must be as even as any within half a per cent.
TEST(BudgetSearch, NoShapeIsMoreEven) {
  const ModelConfig parent = tiny();
  const int64_t budget = parameter_count(parent) * 6 / 10;
  const auto evenness = [](const ChildShape& child) {
    const std::vector<double> shares = {static_cast<double>(child.d_model) / 160,
                                        static_cast<double>(child.d_ff[0]) / 512,
                                        static_cast<double>(child.mamba_heads) / 16};
    return std::ranges::min(shares) / std::ranges::max(shares);
  };
  double best = 0;
  for (int64_t d_model = 8; d_model <= 160; d_model += 8)
    for (int64_t d_ff = 8; d_ff <= 512; d_ff += 8)
      for (int64_t heads = 4; heads <= 16; heads += 4) {
        ChildShape child = whole(parent);
        child.d_model = d_model;
        child.d_ff = {d_ff};
        child.mamba_heads = heads;
        const int64_t parameters = parameters_by_formula(child_config(parent, child).value());
        if (parameters <= budget && 1000 * parameters >= 995 * budget) best = std::max(best, evenness(child));
      }
  const ChildShape found = widths_for_budget(parent, whole(parent), budget, 8).value();
  EXPECT_GT(best, 0);
  EXPECT_DOUBLE_EQ(evenness(found), best);
}

TEST(BudgetSearch, DroppedLayersStayDropped) {
  const ModelConfig parent = nano_9b();
  ChildShape base = whole(parent);
  base.dropped_layers = {11, 12, 50, 51, 52, 53, 54, 55};
  const ChildShape child = widths_for_budget(parent, base, 3973556832, 64).value();
  EXPECT_EQ(child.dropped_layers, base.dropped_layers);
  EXPECT_LE(parameter_count(child_config(parent, child).value()), 3973556832);
}

TEST(BudgetSearch, FfnLayersOfDifferentWidthsShrinkByOneShare) {
  ModelConfig parent = tiny();
  parent.layers[1].intermediate_size = 256;
  const ChildShape child = widths_for_budget(parent, whole(parent), parameter_count(parent) / 2, 32).value();
  ASSERT_EQ(child.d_ff.size(), 3u);
  EXPECT_EQ(child.d_ff[0], child.d_ff[1] / 2 / 32 * 32);
  EXPECT_TRUE(child_config(parent, child));
}

TEST(BudgetSearch, ImpossibleBudgetsAreRefused) {
  const ModelConfig parent = tiny();
  expect_error(widths_for_budget(parent, whole(parent), 1000, 32), ErrorCode::kUsage, "1000 parameters", "smallest");
  expect_error(widths_for_budget(parent, whole(parent), 2 * parameter_count(parent), 32), ErrorCode::kUsage,
               "without any shrinking");
  expect_error(depth_for_budget(parent, {1, 0}, 1000), ErrorCode::kUsage, "not reached", "2 layers");
}

TEST(BudgetSearch, DepthDropsTheFrontOfTheListUntilItFits) {
  const ModelConfig parent = tiny();  // M-M*-MM-
  const int64_t ffn = 160 + 2 * 160 * 512;
  const auto child = depth_for_budget(parent, {7, 1, 0}, parameter_count(parent) - 2 * ffn);
  ASSERT_TRUE(child) << child.error().message();
  EXPECT_THAT(child->dropped_layers, ElementsAre(1, 7));
}

}  // namespace
}  // namespace adder
