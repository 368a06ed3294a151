#include "core/arch/roles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/arch/presets.h"

namespace adder {
namespace {

struct Row {
  const char* hf;
  const char* gguf;
  Shape hf_shape, gguf_shape;
};

/// The published tables of the 4B, spelled out for one layer of each kind (GGUF shapes slowest axis first).
TEST(Roles, NamesAndShapesAreThePublishedOnes) {
  const Row expected[] = {
      {"backbone.embeddings.weight", "token_embd.weight", {131072, 3136}, {131072, 3136}},
      {"backbone.norm_f.weight", "output_norm.weight", {3136}, {3136}},
      {"lm_head.weight", "output.weight", {131072, 3136}, {131072, 3136}},
      {"backbone.layers.0.norm.weight", "blk.0.attn_norm.weight", {3136}, {3136}},
      {"backbone.layers.0.mixer.in_proj.weight", "blk.0.ssm_in.weight", {17504, 3136}, {17504, 3136}},
      {"backbone.layers.0.mixer.conv1d.weight", "blk.0.ssm_conv1d.weight", {9728, 1, 4}, {9728, 4}},
      {"backbone.layers.0.mixer.conv1d.bias", "blk.0.ssm_conv1d.bias", {9728}, {9728}},
      {"backbone.layers.0.mixer.dt_bias", "blk.0.ssm_dt.bias", {96}, {96}},
      {"backbone.layers.0.mixer.A_log", "blk.0.ssm_a", {96}, {96, 1}},
      {"backbone.layers.0.mixer.D", "blk.0.ssm_d", {96}, {96, 1}},
      {"backbone.layers.0.mixer.norm.weight", "blk.0.ssm_norm.weight", {7680}, {8, 960}},
      {"backbone.layers.0.mixer.out_proj.weight", "blk.0.ssm_out.weight", {3136, 7680}, {3136, 7680}},
      {"backbone.layers.1.norm.weight", "blk.1.attn_norm.weight", {3136}, {3136}},
      {"backbone.layers.1.mixer.up_proj.weight", "blk.1.ffn_up.weight", {12544, 3136}, {12544, 3136}},
      {"backbone.layers.1.mixer.down_proj.weight", "blk.1.ffn_down.weight", {3136, 12544}, {3136, 12544}},
      {"backbone.layers.12.norm.weight", "blk.12.attn_norm.weight", {3136}, {3136}},
      {"backbone.layers.12.mixer.q_proj.weight", "blk.12.attn_q.weight", {5120, 3136}, {5120, 3136}},
      {"backbone.layers.12.mixer.k_proj.weight", "blk.12.attn_k.weight", {1024, 3136}, {1024, 3136}},
      {"backbone.layers.12.mixer.v_proj.weight", "blk.12.attn_v.weight", {1024, 3136}, {1024, 3136}},
      {"backbone.layers.12.mixer.o_proj.weight", "blk.12.attn_output.weight", {3136, 5120}, {3136, 5120}},
  };
  const ModelConfig config = nano_4b();
  std::map<std::string, TensorSpec> specs;
  for (const TensorSpec& spec : tensor_specs(config)) specs.emplace(spec.hf_name, spec);
  for (const Row& row : expected) {
    ASSERT_TRUE(specs.contains(row.hf)) << row.hf;
    const TensorSpec& spec = specs.at(row.hf);
    EXPECT_EQ(row.gguf, spec.gguf_name);
    EXPECT_EQ(row.hf_shape, hf_shape(spec, config)) << row.hf;
    EXPECT_EQ(row.gguf_shape, gguf_shape(spec, config)) << row.gguf;
  }
}

TEST(Roles, EveryTensorIsListedOnce) {
  for (const auto& [preset, count] : {std::pair{nano_4b(), 263u}, {nano_9b(), 341u}}) {
    std::set<std::string> gguf, hf;
    const auto specs = tensor_specs(preset);
    for (const TensorSpec& spec : specs) {
      gguf.insert(spec.gguf_name);
      hf.insert(spec.hf_name);
    }
    EXPECT_EQ(count, specs.size());
    EXPECT_EQ(count, gguf.size());
    EXPECT_EQ(count, hf.size());
  }
}

/// 169 tensors of 5,294,464 bytes are F32 in the official 4B file.
TEST(Roles, WhatIsNoMatrixIsThePublishedF32Part) {
  int64_t count = 0, bytes = 0;
  for (const TensorSpec& spec : tensor_specs(nano_4b())) {
    if (spec.is_matrix) continue;
    ++count;
    bytes += 4 * spec.shape.elements();
  }
  EXPECT_EQ(169, count);
  EXPECT_EQ(5294464, bytes);
}

TEST(Roles, TiedModelsHaveNoOutput) {
  ModelConfig config = tiny();
  const size_t untied = tensor_specs(config).size();
  config.tie_word_embeddings = true;
  const auto specs = tensor_specs(config);
  EXPECT_EQ(untied - 1, specs.size());
  for (const TensorSpec& spec : specs) EXPECT_NE(Role::kOutput, spec.role);
}

TEST(Roles, LayersMayDifferInWidth) {
  ModelConfig config = tiny();
  config.layers[1].intermediate_size = 96;
  const auto specs = tensor_specs(config);
  const auto down = std::ranges::find(specs, "blk.1.ffn_down.weight", &TensorSpec::gguf_name);
  ASSERT_NE(down, specs.end());
  EXPECT_EQ((Shape{160, 96}), down->shape);
}

}  // namespace
}  // namespace adder
