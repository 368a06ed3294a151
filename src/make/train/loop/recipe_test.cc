#include "make/train/loop/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/arch/budget.h"
#include "core/base/atomic_file.h"

namespace adder {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string seedling_text() {
  return read_file("recipes/seedling.toml").value();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string refusal(const std::string& text) {
  const auto recipe = parse_recipe(text, "r.toml");
  EXPECT_FALSE(recipe);
  return recipe ? "" : recipe.error().message();
}

TEST(Recipe, SeedlingIsTheModelItsCommentPromises) {
  const auto recipe = parse_recipe(seedling_text(), "seedling.toml");
  ASSERT_TRUE(recipe) << recipe.error().message();
  const auto config = model_config(*recipe);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_NE(config->hidden_size % 256, 0);
  EXPECT_EQ(config->d_inner() % 256, 0);
  EXPECT_EQ(config->q_rows() % 256, 0);
  EXPECT_EQ(recipe->intermediate_size % 256, 0);
  EXPECT_GE(parameter_count(*config), 5'000'000);
  EXPECT_LE(parameter_count(*config), 10'000'000);
  EXPECT_EQ(recipe->held_out, (std::vector<int64_t>{236, 1661, 1874}));
}

TEST(Recipe, NamesEveryKeyThatIsUnknownMissingOrWrong) {
  std::string text = replaced(seedling_text(), "hidden_size = 224", "hidden_siez = 224");
  text = replaced(text, "chunk = 64", "chunk = \"64\"");
  text = replaced(text, "name = ", "colour = \"green\"\nname = ");
  EXPECT_THAT(refusal(text),
              AllOf(HasSubstr("'model.hidden_size' is missing"), HasSubstr("'model.hidden_siez' is no key"),
                    HasSubstr("'colour' is no key"), HasSubstr("'train.chunk' has the wrong type")));
}

TEST(Recipe, RefusesNumbersThatCannotBe) {
  EXPECT_THAT(refusal(replaced(seedling_text(), "seq_len = 512", "seq_len = 500")),
              HasSubstr("multiple of train.chunk"));
  EXPECT_THAT(refusal(replaced(seedling_text(), "lanes = 2", "lanes = 3")), HasSubstr("lanes x micro_batch"));
  EXPECT_THAT(refusal(replaced(seedling_text(), "lanes = 2", "lanes = -2")), HasSubstr("wrong type or sign"));
  EXPECT_THAT(refusal(replaced(seedling_text(), "\"muon\"", "\"sgd\"")), HasSubstr("optimizer.kind"));
  EXPECT_THAT(refusal("name = [\n"), HasSubstr("r.toml: line"));
}

TEST(Recipe, RefusesAModelThatCannotBe) {
  const auto recipe = parse_recipe(replaced(seedling_text(), "n_groups = 2", "n_groups = 3"), "r.toml");
  ASSERT_TRUE(recipe);
  EXPECT_FALSE(model_config(*recipe));
}

}  // namespace
}  // namespace adder
