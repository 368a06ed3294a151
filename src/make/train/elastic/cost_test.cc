#include "make/train/elastic/cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/arch/budget.h"
#include "core/arch/presets.h"
#include "make/train/elastic/toy_for_test.h"

namespace adder {
namespace {

using ::testing::HasSubstr;

double of(const Cost& cost, const ModelConfig& config) {
  return cost(sizes_of(config)).item<double>();
}

TEST(ParameterCost, IsThePublishedCountToTheLast) {
  EXPECT_EQ(of(parameter_cost(nano_9b()), nano_9b()), 8'888'227'328.0);
  EXPECT_EQ(of(parameter_cost(nano_4b()), nano_4b()), 3'973'556'832.0);
  ModelConfig tied = test::toy_config();
  tied.tie_word_embeddings = true;
  EXPECT_EQ(of(parameter_cost(tied), tied), static_cast<double>(parameter_count(tied)));
}

TEST(ParameterCost, OfADecisionIsThatOfItsChild) {
  ElasticRecipe by_layer = test::toy_recipe();
  by_layer.per_layer = {"ffn"};
  const SearchSpace space = test::toy_space(by_layer);
  const Cost cost = parameter_cost(space.parent);
  for (const Decision& decision : {Decision{{{0}, {0, 0}, {0}, {0}, {0}}}, Decision{{{1}, {2, 1}, {2}, {1}, {1}}},
                                   Decision{{{2}, {1, 0}, {1}, {1}, {2}}}}) {
    const ModelConfig child = child_config(space.parent, child_of(space, decision)).value();
    EXPECT_EQ(cost(sizes_of(space, one_hot(space, decision, torch::kFloat64))).item<double>(),
              static_cast<double>(parameter_count(child)));
  }
}

TEST(ByteCost, IsWeightsKeysAndState) {
  const ModelConfig c = nano_4b();
  const double one_row = static_cast<double>(c.hidden_size);
  EXPECT_EQ(of(byte_cost(c, {.weight = 2}), c), 2 * (static_cast<double>(active_parameter_count(c)) + one_row));
  const StateBytes state = state_bytes(c, DType::kF32);
  const double weights = of(byte_cost(c, {.weight = 1}), c);
  EXPECT_EQ(of(byte_cost(c, {.weight = 1, .kv = 4, .context = 1000}), c) - weights,
            1000 * static_cast<double>(state.kv_per_token));
  EXPECT_EQ(of(byte_cost(c, {.weight = 1, .state = 4}), c) - weights, 2 * static_cast<double>(state.ssm));
}

nlohmann::json table_json() {
  return nlohmann::json::parse(R"({
    "mamba":     {"hidden": [10, 20], "width": [2, 4, 8], "us": [[1, 2, 4], [2, 4, 8]]},
    "attention": {"hidden": [10, 20], "width": [2, 4], "us": [[1, 1], [2, 2]]},
    "mlp":       {"hidden": [10, 20], "width": [8, 20], "us": [[1, 2], [3, 5]]},
    "head":      {"hidden": [10, 20], "us": [[7], [9]]}})");
}

TEST(LatencyCost, IsLinearBetweenMeasurementsAndBeyond) {
  const LatencyTable table = LatencyTable::parse(table_json()).value();
  const auto mamba = [&](double hidden, double width) {
    return table.layer(LayerKind::kMamba, torch::tensor(hidden), torch::tensor(width)).item<double>();
  };
  EXPECT_NEAR(mamba(10, 4), 2, 1e-6);
  EXPECT_NEAR(mamba(20, 8), 8, 1e-6);
  EXPECT_NEAR(mamba(15, 6), 0.5 * (3 + 6), 1e-6);
  EXPECT_NEAR(mamba(20, 10), 10, 1e-6);
  EXPECT_NEAR(table.head(torch::tensor(25.0)).item<double>(), 10, 1e-6);

  ModelConfig c = test::toy_config();  // two layers of each kind
  c.hidden_size = 20;
  c.num_attention_heads = 2;
  EXPECT_NEAR(of(latency_cost(c, table), c), 2 * 8 + 2 * 2 + 2 * 5 + 9, 1e-6);
}

TEST(LatencyTable, NamesWhatIsWrong) {
  const auto refusal = [](const char* path, const nlohmann::json& value) {
    nlohmann::json json = table_json();
    json[nlohmann::json::json_pointer(path)] = value;
    const auto table = LatencyTable::parse(json);
    return table ? "" : table.error().message();
  };
  EXPECT_THAT(refusal("/mlp", 3), HasSubstr("mlp is missing or no object"));
  EXPECT_THAT(refusal("/mamba/width", {4, 2}), HasSubstr("mamba.width: expected two or more ascending"));
  EXPECT_THAT(refusal("/mamba/us/1", {1, 2}), HasSubstr("mamba.us: expected 3 times"));
  EXPECT_THAT(refusal("/head/us", nlohmann::json::array()), HasSubstr("head.us: expected 2 rows"));
  EXPECT_THAT(refusal("/attention/us/0/0", 0), HasSubstr("above 0"));
  EXPECT_THAT(refusal("/attention/us/0/0", "x"), HasSubstr("list of numbers"));
}

}  // namespace
}  // namespace adder
