#include "core/arch/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/arch/presets.h"

namespace adder {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string problems_of(const ModelConfig& config) {
  const Status status = validate(config);
  if (status) return "";
  EXPECT_EQ(ErrorCode::kCorrupt, status.error().code());
  return status.error().message();
}

TEST(Pattern, IsParsedAndPrintedBack) {
  const auto layers = parse_pattern("M-|*M", 512, 2);
  ASSERT_TRUE(layers);
  EXPECT_EQ((std::vector<LayerConfig>{{LayerKind::kMamba, 0, 0},
                                      {LayerKind::kMlp, 512, 0},
                                      {LayerKind::kAttention, 0, 2},
                                      {LayerKind::kMamba, 0, 0}}),
            *layers);
  ModelConfig config;
  config.layers = *layers;
  EXPECT_EQ("M-*M", config.pattern());
  EXPECT_EQ(2, config.count(LayerKind::kMamba));
}

TEST(Pattern, RefusesUnknownLetters) {
  const auto layers = parse_pattern("M-x", 512, 2);
  ASSERT_FALSE(layers);
  EXPECT_EQ(ErrorCode::kCorrupt, layers.error().code());
  EXPECT_THAT(layers.error().message(), AllOf(HasSubstr("'x'"), HasSubstr("character 2")));
  EXPECT_THAT(parse_pattern("\x01", 1, 1).error().message(), HasSubstr("\\x01"));
}

TEST(Pattern, RefusesMixtureOfExpertsByName) {
  const auto layers = parse_pattern("MEM", 512, 2);
  ASSERT_FALSE(layers);
  EXPECT_EQ(ErrorCode::kUnsupported, layers.error().code());
  EXPECT_THAT(layers.error().message(), AllOf(HasSubstr("mixture of experts"), HasSubstr("supported: nemotron_h")));
}

TEST(PrintedNormEps, IsTheShortestTextOfTheSameFloat) {
  for (const auto& [eps, text] : {std::pair{1e-5f, "1e-05"}, {1e-6f, "1e-06"}, {1.25e-5f, "1.25e-05"}, {0.1f, "0.1"}}) {
    ModelConfig config;
    config.norm_eps = eps;
    EXPECT_EQ(text, fmt::format("{}", config.printed_norm_eps()));
    EXPECT_EQ(eps, static_cast<float>(config.printed_norm_eps()));
  }
}

TEST(Validate, AcceptsThePresets) {
  for (const std::string_view name : preset_names()) EXPECT_EQ("", problems_of(find_preset(name).value())) << name;
}

TEST(Validate, AcceptsModelsWithoutAKindOfLayer) {
  ModelConfig only_mlp;
  only_mlp.layers = parse_pattern("--", 7, 0).value();
  only_mlp.vocab_size = 3;
  only_mlp.hidden_size = 5;
  EXPECT_EQ("", problems_of(only_mlp));
}

TEST(Validate, ListsEveryViolation) {
  ModelConfig config = tiny();
  config.vocab_size = 0;
  config.hidden_size = -1;
  config.n_groups = 3;             // 16 heads
  config.num_attention_heads = 7;  // 2 KV heads
  config.norm_eps = 0;
  config.layers[1].num_key_value_heads = 2;  // an MLP layer
  const std::string text = problems_of(config);
  EXPECT_THAT(text, HasSubstr("vocab_size is 0"));
  EXPECT_THAT(text, HasSubstr("hidden_size is -1"));
  EXPECT_THAT(text, HasSubstr("mamba_num_heads 16 is no multiple of n_groups 3"));
  EXPECT_THAT(text, HasSubstr("num_attention_heads 7 is no multiple of num_key_value_heads of layer 3: 2"));
  EXPECT_THAT(text, HasSubstr("norm_eps is 0"));
  EXPECT_THAT(text, HasSubstr("num_key_value_heads of layer 1 is 2, must be 0 to 0"));
  EXPECT_THAT(text, Not(HasSubstr("mamba_head_dim")));
}

TEST(Validate, MissingFieldsOfAUsedKindAreViolations) {
  ModelConfig config;
  config.layers = parse_pattern("M*-", 0, 0).value();
  config.vocab_size = config.hidden_size = 8;
  const std::string text = problems_of(config);
  for (const char* field :
       {"num_attention_heads", "head_dim", "mamba_num_heads", "mamba_head_dim", "ssm_state_size", "n_groups",
        "conv_kernel", "intermediate_size of layer 2", "num_key_value_heads of layer 1"})
    EXPECT_THAT(text, HasSubstr(fmt::format("{} is 0, must be 1", field)));
}

/// Each field alone at the largest int64: a clear no, and no product that wraps on the way there.
TEST(Validate, HugeNumbersAreRefused) {
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  for (int64_t ModelConfig::*field :
       {&ModelConfig::vocab_size, &ModelConfig::hidden_size, &ModelConfig::num_attention_heads, &ModelConfig::head_dim,
        &ModelConfig::mamba_num_heads, &ModelConfig::mamba_head_dim, &ModelConfig::ssm_state_size,
        &ModelConfig::n_groups, &ModelConfig::conv_kernel, &ModelConfig::max_position_embeddings}) {
    ModelConfig config = tiny();
    config.*field = kHuge;
    EXPECT_THAT(problems_of(config), HasSubstr("is 9223372036854775807, must be"));
  }
  ModelConfig config = tiny();
  config.layers.resize(4097);
  EXPECT_THAT(problems_of(config), HasSubstr("number of layers is 4097, must be 1 to 4096"));
  config.layers.clear();
  EXPECT_THAT(problems_of(config), HasSubstr("number of layers is 0"));
}

TEST(Validate, DerivedWidthsHaveLimitsToo) {
  ModelConfig config = tiny();
  config.mamba_num_heads = config.mamba_head_dim = 4096;
  EXPECT_THAT(problems_of(config), HasSubstr("mamba_num_heads x mamba_head_dim is 16777216"));
}

}  // namespace
}  // namespace adder
