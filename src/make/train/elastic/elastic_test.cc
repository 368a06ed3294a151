#include "make/train/elastic/elastic.h"

#include <gmock/gmock.h>

#include "core/formats/json.h"
#include "make/train/distill/files_for_test.h"
#include "make/train/distill/parent.h"

namespace adder {
namespace {

using test::replaced;
using test::small_config;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

const std::string kRecipe = std::string(R"(
name = "toy"
[parent]
preset = ""
[data]
held_out = [7]
first_sample = 0
weights = []
[teacher]
kd = 1.0
ce = 0.0
temperature = 1.0
top_k = 0
[budget]
cost = "parameters"
names = ["large", "small"]
fractions = [0.85, 0.7]
shares = [1.0, 1.0]
lambda = 1.0
dead_zone = [0.05, 0.02]
bytes_per_weight = 0
bytes_per_kv = 0
bytes_per_state = 0
context = 0
latency_table = ""
[choices]
hidden = [24, 20, 16]
ffn = [20, 16, 12, 8]
mamba_heads = [4, 2]
attention_heads = [4, 2]
hidden_multiple = 4
ffn_multiple = 4
most_dropped = 1
per_layer = ["ffn"]
[router]
width = 16
init_std = 0.1
learning_rate = 3e-2
mode = "soft"
normalise = false
temperature = [1.0, 0.05]
scale = [1.0, 10.0]
)") + test::run_tables("1e-3", 60);

class ElasticRun : public ::testing::Test {
 protected:
  void SetUp() override {
    test::write_books(dir_ / "prose", "The rat ran and the cat sat on page");
    const NestedRecord record{{4, 1, 3}, {Axis::kHidden, Axis::kFfn}, "random 1", {}};
    test::write_model(test::random_parameters(small_config("M-*M-")), dir_ / "parent.gguf", record);
  }
  ElasticOptions options(const std::string& work, const std::string& recipe = kRecipe) {
    const fs::path path = dir_ / (work + ".toml");
    EXPECT_TRUE(write_file(path, recipe));
    ElasticOptions o;
    o.work = dir_ / work;
    o.threads = 1;
    o.recipe.path = path;
    o.parent = dir_ / "parent.gguf";
    o.data = {dir_ / "prose"};
    o.out = dir_ / (work + ".gguf");
    return o;
  }
  Status run(const ElasticOptions& o) { return elastic(o, never_); }

  testing::TempDir dir_;
  std::atomic<bool> never_{false};
};

TEST_F(ElasticRun, MeetsItsBudgetsAndWritesChildrenForThem) {
  const Status status = run(options("run"));
  ASSERT_TRUE(status) << status.error().message();
  const Parent nested = Parent::open(dir_ / "run.gguf").value();
  ASSERT_TRUE(nested.nested);
  EXPECT_EQ(nested.nested->drop_list, (std::vector<int>{4, 1, 3}));
  EXPECT_EQ(nested.nested->scores, "random 1");
  ASSERT_EQ(nested.nested->sizes.size(), 2u);
  const nlohmann::json router = read_json(dir_ / "run" / "router.json").value();
  for (size_t i = 0; i < 2; ++i) {
    const NestedSize& size = nested.nested->sizes[i];
    EXPECT_EQ(read_child(dir_ / "run" / ("child." + size.name + ".json"), nested.config()).value(), size.child);
    EXPECT_EQ(router[i]["name"], size.name);
    // The grid of so small a model is coarse: one step of `hidden` alone is 13 % of it.
    EXPECT_NEAR(router[i]["fraction"].get<double>(), router[i]["budget"].get<double>(), 0.1) << size.name;
  }
  EXPECT_LT(router[1]["parameters"], router[0]["parameters"]);
}

TEST_F(ElasticRun, StoppedItGoesOnToTheBit) {
  ASSERT_TRUE(run(options("whole")));
  ElasticOptions parts = options("parts");
  parts.steps = 13;
  ASSERT_TRUE(run(parts));
  EXPECT_FALSE(fs::exists(parts.out));
  parts.steps = 0;
  ASSERT_TRUE(run(parts));
  const Parent a = Parent::open(dir_ / "whole.gguf").value(), b = Parent::open(dir_ / "parts.gguf").value();
  EXPECT_EQ(a.nested, b.nested);
  const Parameters x = a.weights(torch::kCPU).value(), y = b.weights(torch::kCPU).value();
  for (size_t i = 0; i < x.values().size(); ++i) EXPECT_TRUE(x.values()[i].equal(y.values()[i])) << i;
}

TEST_F(ElasticRun, RefusesWhatCannotBeTrained) {
  const auto refusal = [&](const std::string& from, const std::string& to) {
    const Status status = run(options("wrong", replaced(kRecipe, from, to)));
    EXPECT_FALSE(status) << to;
    return status ? "" : status.error().message();
  };
  EXPECT_THAT(refusal("width = 16", "width = 16\ndepth = 2"), HasSubstr("'router.depth' is no key"));
  EXPECT_THAT(refusal("[0.85, 0.7]", "[0.85, 0.1]"), HasSubstr("the smallest child of these choices"));
  EXPECT_THAT(refusal("\"small\"]", "\"../small\"]"), HasSubstr("budget.names"));
  EXPECT_THAT(refusal("[\"ffn\"]", "[\"mamba_heads\"]"), HasSubstr("choices.per_layer has 'mamba_heads'"));
  EXPECT_THAT(refusal("\"parameters\"", "\"latency\""), HasSubstr("budget.latency_table"));
  test::write_model(test::random_parameters(small_config("M-*M-")), dir_ / "plain.gguf");
  ElasticOptions plain = options("plain");
  plain.parent = dir_ / "plain.gguf";
  EXPECT_THAT(run(plain).error().message(), HasSubstr("is not in nested order"));
}

TEST(ElasticRecipe, ThePublishedRunsShapesAreInItsSpace) {
  std::atomic<bool> never{false};
  ElasticOptions options;
  options.recipe.path = "recipes/elastic/nano-4b.toml";
  options.dry_run = true;
  const Status status = elastic(options, never);
  ASSERT_TRUE(status) << status.error().message();
  const auto recipe = read_recipe_as<ElasticRecipe>(options.recipe);
  ASSERT_TRUE(recipe) << recipe.error().message();
  EXPECT_THAT(recipe->hidden, ::testing::Contains(3136));
  EXPECT_THAT(recipe->ffn, ::testing::Contains(12544));
  EXPECT_THAT(recipe->mamba_heads, ::testing::Contains(96));
  EXPECT_GE(recipe->most_dropped, 14);
  for (const char* path : {"recipes/elastic/laptop.toml", "recipes/study/mini/elastic.toml"}) {
    const auto other = read_recipe_as<ElasticRecipe>({path});
    EXPECT_TRUE(other) << other.error().message();
  }
}

}  // namespace
}  // namespace adder
