#include "make/train/loop/recipe_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "make/train/loop/recipe.h"

namespace adder {
namespace {

using testing::HasSubstr;

RecipeFile seedling(std::vector<std::string> changes) {
  return {"recipes/seedling.toml", std::move(changes)};
}

TEST(RecipeFile, ChangesHoldAndTheRestStays) {
  const auto recipe = read_recipe(seedling({"train.seed=7", "name=another", "optimizer.clip=0", "train.seed=8",
                                            "data.held_out=[1, 2]", "optimizer.kind=\"adamw\""}));
  ASSERT_TRUE(recipe) << recipe.error().message();
  EXPECT_EQ(recipe->seed, 8u);
  EXPECT_EQ(recipe->name, "another");
  EXPECT_EQ(recipe->clip, 0);
  EXPECT_EQ(recipe->held_out, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(recipe->optimizer, "adamw");
  EXPECT_EQ(recipe->hidden_size, 224);
}

TEST(RecipeFile, WhatIsKeptReadsAsWhatWasMeant) {
  const std::filesystem::path directory = testing::TempDir();
  ASSERT_TRUE(seedling({"train.seed=7", "optimizer.learning_rate=1e-4"}).keep(directory));
  const auto kept = read_recipe({directory / "recipe.toml"});
  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_EQ(kept->seed, 7u);
  EXPECT_EQ(kept->learning_rate, 1e-4);
  EXPECT_EQ(kept->pattern, "M-M-M*-M-M*-M-");
}

TEST(RecipeFile, RefusesWhatTheFileDoesNotHave) {
  const auto refusal = [](const std::string& change) {
    const auto recipe = read_recipe(seedling({change}));
    EXPECT_FALSE(recipe) << change;
    return recipe ? "" : recipe.error().message();
  };
  EXPECT_THAT(refusal("train.sead=7"), HasSubstr("has no key 'train.sead'"));
  EXPECT_THAT(refusal("trian.seed=7"), HasSubstr("has no key 'trian.seed'"));
  EXPECT_THAT(refusal("train=7"), HasSubstr("has no key 'train'"));
  EXPECT_THAT(refusal("seed"), HasSubstr("expected KEY=VALUE"));
  EXPECT_THAT(refusal("=7"), HasSubstr("expected KEY=VALUE"));
  EXPECT_THAT(refusal("train.seed=often"), HasSubstr("'train.seed' has the wrong type"));
  EXPECT_THAT(refusal("train.seed=1\nlanes = 2"), HasSubstr("'train.seed' has the wrong type"));
}

}  // namespace
}  // namespace adder
