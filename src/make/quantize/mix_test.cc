#include "make/quantize/mix.h"

#include <gtest/gtest.h>

#include <map>

#include "core/arch/presets.h"

namespace adder {
namespace {

struct Tally {
  std::map<DType, int64_t> tensors, bytes;
  int64_t total_bytes = 0, fallbacks = 0;
};

Tally tally(Mix mix, const ModelConfig& config) {
  Tally t;
  const auto specs = tensor_specs(config);
  const auto plan = plan_types(mix, config);
  for (size_t i = 0; i < specs.size(); ++i) {
    const auto bytes = static_cast<int64_t>(storage_bytes(plan[i].type, specs[i].shape.elements()));
    ++t.tensors[plan[i].type];
    t.bytes[plan[i].type] += bytes;
    t.total_bytes += bytes;
    t.fallbacks += plan[i].fell_back();
  }
  return t;
}

/// Layers whose tensor of this role has this type.
std::vector<int> layers_with(Mix mix, const ModelConfig& config, Role role, DType type, bool with_importance = false) {
  std::vector<int> layers;
  const auto specs = tensor_specs(config);
  const auto plan = plan_types(mix, config, with_importance);
  for (size_t i = 0; i < specs.size(); ++i)
    if (specs[i].role == role && plan[i].type == type) layers.push_back(specs[i].layer);
  return layers;
}

DType type_of(Mix mix, const ModelConfig& config, Role role) {
  const auto specs = tensor_specs(config);
  for (size_t i = 0; i < specs.size(); ++i)
    if (specs[i].role == role) return plan_types(mix, config)[i].type;
  ADD_FAILURE() << name(role);
  return DType::kF32;
}

/// The published NVIDIA-Nemotron3-Nano-4B-Q4_K_M.gguf: 263 tensors, 2,829,187,200 bytes of tensor data, 51 fallbacks.
TEST(PlanTypes, GivesThePublished4BFile) {
  const Tally t = tally(Mix::kQ4_K_M, nano_4b());
  EXPECT_EQ(t.tensors,
            (std::map<DType, int64_t>{
                {DType::kF32, 169}, {DType::kQ5_0, 49}, {DType::kQ8_0, 3}, {DType::kQ4_K, 33}, {DType::kQ6_K, 9}}));
  EXPECT_EQ(t.bytes, (std::map<DType, int64_t>{{DType::kF32, 5294464},
                                               {DType::kQ5_0, 1592266368},
                                               {DType::kQ8_0, 443555840},
                                               {DType::kQ4_K, 497645568},
                                               {DType::kQ6_K, 290424960}}));
  EXPECT_EQ(t.total_bytes, 2829187200);
  EXPECT_EQ(t.fallbacks, 51) << "output is Q8_0 by rule, not by fallback";
  using Layers = std::vector<int>;
  EXPECT_EQ(layers_with(Mix::kQ4_K_M, nano_4b(), Role::kDown, DType::kQ6_K), (Layers{1, 3, 5, 8, 10, 18, 25, 33, 41}));
  EXPECT_EQ(layers_with(Mix::kQ4_K_M, nano_4b(), Role::kV, DType::kQ8_0), (Layers{24, 32}));
  EXPECT_EQ(layers_with(Mix::kQ4_K_M, nano_4b(), Role::kV, DType::kQ5_0), (Layers{12, 17}));
}

TEST(PlanTypes, GivesThePublished9BTypes) {
  const Tally t = tally(Mix::kQ4_K_M, nano_9b());
  EXPECT_EQ(t.tensors,
            (std::map<DType, int64_t>{{DType::kF32, 219}, {DType::kQ5_0, 75}, {DType::kQ8_0, 16}, {DType::kQ4_K, 31}}));
  EXPECT_EQ(t.total_bytes, 6517742592);
  EXPECT_EQ(layers_with(Mix::kQ4_K_M, nano_9b(), Role::kDown, DType::kQ8_0),
            (std::vector<int>{1, 3, 5, 8, 10, 12, 15, 22, 28, 35, 42, 49, 55}));
  EXPECT_EQ(layers_with(Mix::kQ4_K_M, nano_9b(), Role::kV, DType::kQ8_0), (std::vector<int>{30, 39}));
}

/// Every dimension a multiple of 256, so that the rules show without fallbacks.
ModelConfig aligned() {
  ModelConfig config = nano_4b();
  config.hidden_size = 3072;
  return config;
}

TEST(PlanTypes, WithoutFallbacksTheRulesThemselvesShow) {
  const auto type = [](Mix mix, Role role) { return type_of(mix, aligned(), role); };
  EXPECT_EQ(tally(Mix::kQ4_K_M, aligned()).fallbacks, 0);
  EXPECT_EQ(type(Mix::kQ4_K_M, Role::kOutput), DType::kQ6_K);
  EXPECT_EQ(type(Mix::kQ4_K_M, Role::kEmbedding), DType::kQ4_K);
  EXPECT_EQ(type(Mix::kQ5_K_M, Role::kEmbedding), DType::kQ5_K);
  EXPECT_EQ(layers_with(Mix::kQ5_K_M, aligned(), Role::kV, DType::kQ6_K), (std::vector<int>{24, 32}));
  EXPECT_EQ(layers_with(Mix::kQ4_K_S, aligned(), Role::kV, DType::kQ5_K), (std::vector<int>{12, 17, 24, 32}));
  EXPECT_EQ(layers_with(Mix::kQ4_K_S, aligned(), Role::kDown, DType::kQ5_K), (std::vector<int>{1, 3, 5, 8, 10}));
  EXPECT_EQ(layers_with(Mix::kIQ4_NL, aligned(), Role::kDown, DType::kQ5_K), (std::vector<int>{1, 3, 5, 8, 10}));
  EXPECT_EQ(type(Mix::kIQ4_NL, Role::kV), DType::kIQ4_NL);
  EXPECT_EQ(type(Mix::kQ4_0, Role::kOutput), DType::kQ6_K);
  EXPECT_EQ(type(Mix::kQ4_0, Role::kUp), DType::kQ4_0);
  EXPECT_EQ(type(Mix::kQ8_0, Role::kOutput), DType::kQ8_0);
}

TEST(PlanTypes, SmallMixesSpareWhatMattersMost) {
  const auto type = [](Mix mix, Role role) { return type_of(mix, aligned(), role); };
  const auto layers = [](Mix mix, Role role, DType of) { return layers_with(mix, aligned(), role, of); };
  using Layers = std::vector<int>;
  for (const Mix mix : {Mix::kIQ4_XS, Mix::kQ3_K_L, Mix::kQ3_K_M, Mix::kQ3_K_S, Mix::kQ2_K}) {
    EXPECT_EQ(tally(mix, aligned()).fallbacks, 0);
    EXPECT_EQ(type(mix, Role::kOutput), DType::kQ6_K);
    for (const Role role : {Role::kEmbedding, Role::kSsmIn, Role::kSsmOut, Role::kQ, Role::kK, Role::kUp})
      EXPECT_EQ(type(mix, role), info(mix).matrix_type) << info(mix).name;
  }
  // 42 layers: n/8 = 5, n/16 = 2.
  EXPECT_EQ(layers(Mix::kIQ4_XS, Role::kDown, DType::kQ5_K), (Layers{1, 3, 5, 8, 10}));
  EXPECT_EQ(type(Mix::kIQ4_XS, Role::kV), DType::kIQ4_XS);
  EXPECT_EQ(layers(Mix::kQ3_K_L, Role::kDown, DType::kQ5_K).size(), 17u);
  EXPECT_EQ(type(Mix::kQ3_K_L, Role::kV), DType::kQ5_K);
  EXPECT_EQ(type(Mix::kQ3_K_L, Role::kO), DType::kQ5_K);
  EXPECT_EQ(layers(Mix::kQ3_K_M, Role::kDown, DType::kQ5_K), (Layers{1, 3}));
  EXPECT_EQ(layers(Mix::kQ3_K_M, Role::kDown, DType::kQ4_K).size(), 15u);
  EXPECT_EQ(layers(Mix::kQ3_K_M, Role::kV, DType::kQ5_K), (Layers{12, 17}));
  EXPECT_EQ(layers(Mix::kQ3_K_M, Role::kV, DType::kQ4_K), (Layers{24, 32}));
  EXPECT_EQ(type(Mix::kQ3_K_M, Role::kO), DType::kQ4_K);
  for (const Role role : {Role::kV, Role::kO, Role::kDown}) EXPECT_EQ(type(Mix::kQ3_K_S, role), DType::kQ3_K);
  for (const Role role : {Role::kV, Role::kO, Role::kDown}) EXPECT_EQ(type(Mix::kQ2_K, role), DType::kQ3_K);
}

/// The published 4B has 40 heads and 8 keys, but its first layer is no attention.
TEST(PlanTypes, GroupedKeysOfTheFirstLayerSpareV) {
  ModelConfig config = aligned();
  std::swap(config.layers[0], config.layers[12]);
  EXPECT_EQ(type_of(Mix::kQ2_K, config, Role::kV), DType::kQ4_K);
  EXPECT_EQ(type_of(Mix::kIQ4_XS, config, Role::kV), DType::kQ5_K);
  EXPECT_EQ(type_of(Mix::kIQ4_NL, config, Role::kV), DType::kQ5_K);
  config.layers[0].num_key_value_heads = config.num_attention_heads / 2;
  EXPECT_EQ(type_of(Mix::kQ2_K, config, Role::kV), DType::kQ3_K);
}

TEST(PlanTypes, SomeRulesKnowTheImportanceMatrix) {
  const auto down = [](Mix mix, DType type) { return layers_with(mix, aligned(), Role::kDown, type, true); };
  const std::vector<int> first = {1, 3, 5, 8, 10}, none;
  EXPECT_EQ(down(Mix::kQ4_0, DType::kQ4_1), first);
  EXPECT_EQ(down(Mix::kQ5_0, DType::kQ5_1), first);
  EXPECT_EQ(down(Mix::kIQ4_NL, DType::kQ5_K), none);
  EXPECT_EQ(down(Mix::kQ4_K_S, DType::kQ5_K), first) << "as without";
  EXPECT_EQ(layers_with(Mix::kQ4_0, aligned(), Role::kDown, DType::kQ4_1), none);
}

TEST(PlanTypes, TiedEmbeddingsAreTheOutput) {
  ModelConfig config = aligned();
  config.tie_word_embeddings = true;
  EXPECT_EQ(type_of(Mix::kQ4_K_M, config, Role::kEmbedding), DType::kQ6_K);
  config.hidden_size = 3136;
  EXPECT_EQ(type_of(Mix::kQ4_K_M, config, Role::kEmbedding), DType::kQ8_0);
}

TEST(PlanTypes, FallsBackByRowLength) {
  ModelConfig config = nano_4b();
  EXPECT_EQ(type_of(Mix::kQ5_K_M, config, Role::kSsmIn), DType::kQ5_1);
  EXPECT_EQ(type_of(Mix::kQ6_K, config, Role::kSsmIn), DType::kQ8_0);
  EXPECT_EQ(type_of(Mix::kQ6_K, config, Role::kSsmOut), DType::kQ6_K);
  EXPECT_EQ(type_of(Mix::kIQ4_XS, config, Role::kSsmIn), DType::kIQ4_NL);
  EXPECT_EQ(type_of(Mix::kQ3_K_S, config, Role::kSsmIn), DType::kQ4_0);
  EXPECT_EQ(type_of(Mix::kQ2_K, config, Role::kSsmIn), DType::kQ4_0);
  EXPECT_EQ(tally(Mix::kQ8_0, config).fallbacks, 0);
  config.hidden_size = 3150;  // no multiple of 32
  for (const Mix mix : {Mix::kQ4_K_M, Mix::kQ5_0, Mix::kQ8_0})
    for (const Role role : {Role::kEmbedding, Role::kOutput, Role::kSsmIn, Role::kUp})
      EXPECT_EQ(type_of(mix, config, role), DType::kF16) << info(mix).name << " " << name(role);
}

TEST(PlanTypes, FloatMixesKeepVectorsInF32) {
  for (const Mix mix : {Mix::kF32, Mix::kF16, Mix::kBF16}) {
    const Tally t = tally(mix, nano_4b());
    EXPECT_EQ(t.fallbacks, 0);
    EXPECT_EQ(t.tensors.at(DType::kF32), mix == Mix::kF32 ? 263 : 169);
    EXPECT_EQ(t.tensors.at(info(mix).matrix_type), mix == Mix::kF32 ? 263 : 94);
  }
}

TEST(Mixes, HaveOneNameEach) {
  for (const MixInfo& row : all_mixes()) {
    EXPECT_EQ(&info(row.mix), &row) << "rows are in the order of the enum";
    EXPECT_EQ(mix_from_name(row.name), row.mix);
  }
  EXPECT_EQ(mix_from_name("Q4_K_M"), Mix::kQ4_K_M);
  EXPECT_EQ(mix_from_name("q4_k"), std::nullopt);
  EXPECT_EQ(mix_from_name(""), std::nullopt);
}

}  // namespace
}  // namespace adder
