#include "make/fp8/policy.h"

#include <gmock/gmock.h>

#include <set>

#include "core/arch/presets.h"

namespace adder {
namespace {

std::set<std::string> chosen(Fp8Policy policy, const ModelConfig& config) {
  const std::vector<bool> fp8 = fp8_tensors(policy, config);
  const std::vector<TensorSpec> specs = tensor_specs(config);
  std::set<std::string> names;
  for (size_t i = 0; i < specs.size(); ++i)
    if (fp8[i]) names.insert(specs[i].gguf_name);
  return names;
}

/// As published for the 4B model: layers 12, 17, 24, 32 are attention and stay, and the Mamba layers before them.
TEST(Fp8Policy, SelectiveKeepsThePublishedLayers) {
  const ModelConfig config = nano_4b();
  const auto fp8 = chosen(Fp8Policy::kSelective, config);
  const std::set<int64_t> kept = {11, 12, 16, 17, 23, 24, 31, 32};
  for (int64_t i = 0; i < config.n_layers(); ++i) {
    const bool any =
        std::ranges::any_of(fp8, [&](const std::string& name) { return name.starts_with(fmt::format("blk.{}.", i)); });
    EXPECT_EQ(any, !kept.contains(i)) << i;
  }
  EXPECT_EQ(fp8.size(), 2u * 34) << "two matrices of every other layer";
}

TEST(Fp8Policy, OthersKeepLess) {
  const ModelConfig config = tiny();  // M-M*-MM-
  EXPECT_THAT(chosen(Fp8Policy::kSelective, config),
              ::testing::ElementsAre("blk.0.ssm_in.weight", "blk.0.ssm_out.weight", "blk.1.ffn_down.weight",
                                     "blk.1.ffn_up.weight", "blk.4.ffn_down.weight", "blk.4.ffn_up.weight",
                                     "blk.5.ssm_in.weight", "blk.5.ssm_out.weight", "blk.6.ssm_in.weight",
                                     "blk.6.ssm_out.weight", "blk.7.ffn_down.weight", "blk.7.ffn_up.weight"));
  auto layers = chosen(Fp8Policy::kLayers, config);
  EXPECT_EQ(layers.size(), 12u + 2 + 4);
  EXPECT_FALSE(layers.contains("output.weight"));
  layers.insert("output.weight");
  EXPECT_EQ(chosen(Fp8Policy::kAll, config), layers);
}

TEST(Fp8Policy, TheMambaLayerBeforeMayLieFurtherBack) {
  ModelConfig config = tiny();
  config.layers = parse_pattern("MM-*-", 512, 2).value();
  EXPECT_THAT(chosen(Fp8Policy::kSelective, config),
              ::testing::ElementsAre("blk.0.ssm_in.weight", "blk.0.ssm_out.weight", "blk.2.ffn_down.weight",
                                     "blk.2.ffn_up.weight", "blk.4.ffn_down.weight", "blk.4.ffn_up.weight"));
  config.layers = parse_pattern("*-", 512, 2).value();
  EXPECT_THAT(chosen(Fp8Policy::kSelective, config),
              ::testing::ElementsAre("blk.1.ffn_down.weight", "blk.1.ffn_up.weight"));
}

TEST(Fp8Policy, NamesComeBack) {
  for (const auto policy : {Fp8Policy::kSelective, Fp8Policy::kLayers, Fp8Policy::kAll})
    EXPECT_EQ(fp8_policy_from_name(name(policy)), policy);
  EXPECT_EQ(fp8_policy_from_name("some"), std::nullopt);
}

}  // namespace
}  // namespace adder
