#include "make/compress/scores.h"

#include <gmock/gmock.h>

#include "core/base/atomic_file.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "make/compress/models_for_test.h"
#include "make/compress/score_page.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;
using ::testing::HasSubstr;

Scores example(const ModelConfig& config) {
  Rng rng(9);
  const auto numbers = [&](int64_t n) {
    std::vector<double> values(static_cast<size_t>(n));
    for (double& value : values) value = rng.uniform_double();
    return values;
  };
  Scores scores{.model = "m", .text = "t", .windows = 3, .ffn_reading = FfnReading::kBeforeActivation};
  scores.hidden = numbers(config.hidden_size);
  for (const LayerConfig& layer : config.layers) {
    LayerScores& of = scores.layers.emplace_back();
    of.influence = rng.uniform_double();
    if (layer.kind == LayerKind::kMlp) of.ffn = numbers(layer.intermediate_size);
    if (layer.kind == LayerKind::kMamba) of.mamba = numbers(config.d_inner());
    if (layer.kind == LayerKind::kAttention) of.attention = numbers(config.num_attention_heads);
  }
  scores.ranking = {{2, 0}, {0.1, 1.0 / 3}, true, 1, numbers(config.n_layers()), 1e300 / 3};
  scores.ranking_text = "r";
  return scores;
}

TEST(ScoresFile, KeepsEveryDigit) {
  const testing::TempDir dir;
  const ModelConfig config = test::small_config();
  const Scores scores = example(config);
  ASSERT_TRUE(scores.write(dir / "scores.json"));
  const auto read = Scores::read(dir / "scores.json", config);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, scores);
  EXPECT_EQ(read->fingerprint(), scores.fingerprint());
}

TEST(ScoresFile, OfAnotherShapeOrBrokenIsRefused) {
  const testing::TempDir dir;
  const ModelConfig config = test::small_config();
  ASSERT_TRUE(example(config).write(dir / "scores.json"));
  expect_error(Scores::read(dir / "scores.json", test::small_config("M-M*-")), ErrorCode::kCorrupt, "5 layers");
  ModelConfig wide = config;
  wide.hidden_size = 65;
  wide.layers[1].intermediate_size = 97;
  expect_error(Scores::read(dir / "scores.json", wide), ErrorCode::kCorrupt, "d_model has 64 numbers, expected 65",
               "layer 1: d_ff has 96 numbers, expected 97");
  ASSERT_TRUE(write_file(dir / "bad.json", R"({"model": 1, "d_model": ["x"], "ranking": {"drop_list": [6, 1.5]}})"));
  expect_error(Scores::read(dir / "bad.json", config), ErrorCode::kCorrupt, "model is missing or no text",
               "d_model is missing or no list of numbers", "drop_list has 6", "drop_list has 1.5");
  expect_error(Scores::read(dir / "none.json", config), ErrorCode::kNotFound, "none.json");
}

TEST(ScorePage, AProfileFallsFromTheBest) {
  EXPECT_THAT(falling_profile({1, 5, 2, 4, 3, 0}, 3), ElementsAre(4.5, 2.5, 0.5));
  EXPECT_THAT(falling_profile({1, 2}, 80), ElementsAre(2, 1));
}

TEST(ScorePage, ShowsEveryAxisAndTheRanking) {
  const ModelConfig config = test::small_config();
  const std::string page = score_page("Importance in <m>", example(config), config);
  EXPECT_THAT(page, HasSubstr("<title>Importance in &lt;m></title>"));
  for (const char* const axis : {"d_model", "d_ff", "mamba_heads", "mamba_head_dim", "attention_heads"})
    EXPECT_THAT(page, HasSubstr(fmt::format("({})", axis)));
  EXPECT_THAT(page, HasSubstr("without 2 M"));
  // 64 residual channels, 2 x 80 of 96 neurons, and of 3 Mamba layers 8 heads and 8 channels, 8 attention heads.
  size_t cells = 0;
  for (size_t at = page.find("fill-opacity"); at != page.npos; at = page.find("fill-opacity", at + 1)) ++cells;
  EXPECT_EQ(cells, 64u + 2 * 80 + 3 * (8 + 8) + 8);
}

}  // namespace
}  // namespace adder
