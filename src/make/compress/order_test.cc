#include "make/compress/order.h"

#include <gmock/gmock.h>

#include <numeric>

#include "core/nest/selection.h"
#include "make/compress/models_for_test.h"

namespace adder {
namespace {

using ::testing::ElementsAre;

/// Scores that rise with the number of a part, so that the best is the last.
Scores rising(const ModelConfig& config) {
  const auto numbers = [](int64_t n) {
    std::vector<double> values(static_cast<size_t>(n));
    std::iota(values.begin(), values.end(), 1.0);
    return values;
  };
  Scores scores;
  scores.hidden = numbers(config.hidden_size);
  for (const LayerConfig& layer : config.layers) {
    LayerScores& of = scores.layers.emplace_back();
    if (layer.kind == LayerKind::kMlp) of.ffn = numbers(layer.intermediate_size);
    if (layer.kind == LayerKind::kMamba) of.mamba = numbers(config.d_inner());
    if (layer.kind == LayerKind::kAttention) of.attention = numbers(config.num_attention_heads);
    of.influence = static_cast<double>(scores.layers.size());
  }
  scores.ranking.drop_list = {4, 1};
  return scores;
}

void expect_permutation(std::vector<int64_t> order, int64_t n) {
  std::ranges::sort(order);
  std::vector<int64_t> all(static_cast<size_t>(n));
  std::iota(all.begin(), all.end(), int64_t{0});
  EXPECT_EQ(order, all);
}

TEST(Order, TheBestComeFirstAndHeadsStayInTheirGroup) {
  const ModelConfig config = test::small_config();  // M-M*-M: 8 heads in 2 groups, 8 heads on 2 KV heads
  const NestedOrder order = order_by_scores(config, rising(config), config.mamba_head_dim, DepthBy::kLogits);
  EXPECT_EQ(order.hidden.front(), 63);
  EXPECT_EQ(order.layers[1].ffn.front(), 95);
  EXPECT_THAT(order.layers[0].mamba_heads, ElementsAre(3, 2, 1, 0, 7, 6, 5, 4));
  EXPECT_THAT(order.layers[0].mamba_channels, ElementsAre(7, 6, 5, 4, 3, 2, 1, 0));
  EXPECT_THAT(order.layers[3].attention_heads, ElementsAre(3, 2, 1, 0, 7, 6, 5, 4));
  EXPECT_THAT(order.drop_list, ElementsAre(4, 1));
  EXPECT_THAT(order_by_scores(config, rising(config), 8, DepthBy::kInfluence).drop_list, ElementsAre(0, 1, 2, 4, 5));
}

TEST(Order, EqualScoresStayAsTheyWere) {
  const ModelConfig config = test::small_config();
  Scores flat = rising(config);
  std::ranges::fill(flat.hidden, 1.0);
  const NestedOrder order = order_by_scores(config, flat, config.mamba_head_dim, DepthBy::kLogits);
  EXPECT_EQ(order.hidden, unchanged_order(config).hidden);
}

/// With s = [[3, 0], [0, 5], [4, 4], [1, 0]], channel lengths are sqrt(26) and sqrt(41): of one channel the second
/// stays.
TEST(Order, AHeadIsWorthItsChannelsThatStay) {
  ModelConfig config = test::small_config("M");
  config.mamba_num_heads = 4;
  config.mamba_head_dim = 2;
  config.n_groups = 1;
  Scores scores = rising(config);
  scores.layers[0].mamba = {3, 0, 0, 5, 4, 4, 1, 0};
  EXPECT_THAT(scores.mamba_channels(0, config), ElementsAre(std::sqrt(26.0), std::sqrt(41.0)));
  EXPECT_THAT(scores.mamba_heads(0, config, 2), ElementsAre(3, 5, std::sqrt(32.0), 1));
  EXPECT_THAT(scores.mamba_heads(0, config, 1), ElementsAre(0, 5, 4, 0));
  EXPECT_THAT(order_by_scores(config, scores, 2, DepthBy::kLogits).layers[0].mamba_heads, ElementsAre(2, 1, 0, 3));
  EXPECT_THAT(order_by_scores(config, scores, 1, DepthBy::kLogits).layers[0].mamba_heads, ElementsAre(1, 2, 0, 3));
}

TEST(Order, ARandomOneIsAPermutationInsideGroups) {
  const ModelConfig config = test::small_config();
  const NestedOrder order = random_order(config, 7);
  EXPECT_EQ(order, random_order(config, 7));
  EXPECT_NE(order.hidden, random_order(config, 8).hidden);
  EXPECT_NE(order.layers[0], order.layers[2]);
  expect_permutation(order.hidden, 64);
  expect_permutation(order.layers[1].ffn, 96);
  for (const std::vector<int64_t>* heads : {&order.layers[0].mamba_heads, &order.layers[3].attention_heads}) {
    expect_permutation(*heads, 8);
    for (size_t i = 0; i < heads->size(); ++i) EXPECT_EQ((*heads)[i] / 4, static_cast<int64_t>(i) / 4);
  }
  std::vector<int> dropped = order.drop_list;  // of M-M*-M all but the attention layer
  std::ranges::sort(dropped);
  EXPECT_THAT(dropped, ElementsAre(0, 1, 2, 4, 5));
}

/// What group a row of in_proj belongs to, by its place; -1 for B and C, which say it of themselves.
int64_t group_of_row(const ModelConfig& config, int64_t row) {
  const int64_t inner = config.d_inner(), shared = 2 * config.n_groups * config.ssm_state_size;
  const int64_t heads_in_group = config.mamba_num_heads / config.n_groups;
  if (row < 2 * inner) return row % inner / config.mamba_head_dim / heads_in_group;
  if (row < 2 * inner + shared) return -1;
  return (row - 2 * inner - shared) / heads_in_group;
}

TEST(Order, AHeadOfAGroupIsInThatGroupOfTheChild) {
  const ModelConfig parent = nano_9b();
  ChildShape shape = whole(parent);
  shape.mamba_heads = 96;
  shape.mamba_head_dim = 64;
  const ModelConfig child = child_config(parent, shape).value();
  const Selector selector(parent, shape, random_order(parent, 3));
  const std::vector<TensorSpec> specs = tensor_specs(parent);
  const auto spec = std::ranges::find(specs, Role::kSsmIn, &TensorSpec::role);
  const std::vector<int64_t> rows = selector.of(*spec).rows;
  ASSERT_EQ(std::ssize(rows), child.in_proj_rows());
  std::vector<int64_t> heads_of_group(8);
  for (size_t i = 0; i < rows.size(); ++i) {
    const int64_t group = group_of_row(child, static_cast<int64_t>(i));
    ASSERT_EQ(group, group_of_row(parent, rows[i])) << i;
    if (static_cast<int64_t>(i) >= child.d_inner() + child.conv_dim()) ++heads_of_group[static_cast<size_t>(group)];
  }
  EXPECT_THAT(heads_of_group, ::testing::Each(12));
}

}  // namespace
}  // namespace adder
