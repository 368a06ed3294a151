#include "make/train/elastic/space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "make/train/elastic/toy_for_test.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Widths, AreFractionsRoundedDownOrNumbers) {
  EXPECT_THAT(widths_of("hidden", {1, 0.9, 0.7, 0.6}, 4480, 64).value(), ElementsAre(4480, 4032, 3136, 2688));
  EXPECT_THAT(widths_of("hidden", {1, 0.72}, 4480, 64).value(), ElementsAre(4480, 3200));
  EXPECT_THAT(widths_of("mamba_heads", {128, 112, 96}, 128, 8).value(), ElementsAre(128, 112, 96));
}

TEST(Widths, RefusesWhatIsNoDescentFromTheParent) {
  const auto refusal = [](const std::vector<double>& given) {
    return widths_of("ffn", given, 100, 8).error().message();
  };
  EXPECT_THAT(refusal({96}), HasSubstr("the first must be the parent's width, 100"));
  EXPECT_THAT(refusal({}), HasSubstr("the first must be"));
  EXPECT_THAT(refusal({1, 60}), HasSubstr("expected a multiple of 8"));
  EXPECT_THAT(refusal({1, 0.5, 0.49}), HasSubstr("48 after 48"));
  EXPECT_THAT(refusal({1, 0.01}), HasSubstr("width of 0"));
  EXPECT_THAT(refusal({1, 40.5}), HasSubstr("neither a fraction nor a width"));
}

TEST(SearchSpace, ADecisionIsAChild) {
  const ChildShape child = child_of(test::toy_space(), {{{1}, {2}, {2}, {1}, {2}}});
  EXPECT_EQ(child, (ChildShape{16, {3, 4}, 4, 6, {4}, 2}));
  ElasticRecipe by_layer = test::toy_recipe();
  by_layer.per_layer = {"ffn"};
  const SearchSpace space = test::toy_space(by_layer);
  EXPECT_EQ(space.slots(RouterAxis::kFfn), 2);
  EXPECT_THAT(child_of(space, {{{0}, {1, 2}, {0}, {0}, {0}}}).d_ff, ElementsAre(12, 4));
  EXPECT_THAT(child_of(space, {{{0}, {1, 2}, {0}, {0}, {1}}}).d_ff, ElementsAre(12)) << "layer 4 is gone";
}

TEST(SearchSpace, RefusesParentsThatDoNotFitTheRecipe) {
  const auto refusal = [](const ElasticRecipe& recipe, const ModelConfig& parent) {
    const auto space = search_space(recipe, parent, {4, 3});
    return space ? "" : space.error().message();
  };
  ElasticRecipe recipe = test::toy_recipe();
  recipe.preset = "nano-9b";
  EXPECT_THAT(refusal(recipe, test::toy_config()), HasSubstr("the parent is no nano-9b"));
  recipe = test::toy_recipe();
  recipe.most_dropped = 3;
  EXPECT_THAT(refusal(recipe, test::toy_config()), HasSubstr("the parent's drop list has 2 layers"));
  ModelConfig uneven = test::toy_config();
  uneven.layers[4].intermediate_size = 16;
  EXPECT_THAT(refusal(test::toy_recipe(), uneven), HasSubstr("differ in width"));
  recipe = test::toy_recipe();
  recipe.mamba_heads = {8, 5};
  EXPECT_THAT(refusal(recipe, test::toy_config()), HasSubstr("choices.mamba_heads: 5"));
}

}  // namespace
}  // namespace adder
