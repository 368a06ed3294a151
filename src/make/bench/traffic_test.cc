#include "make/bench/traffic.h"

#include <gtest/gtest.h>

#include "core/arch/budget.h"
#include "core/arch/model_files_for_test.h"
#include "core/arch/presets.h"

namespace adder {
namespace {

/// The published 4B: 42 layers, 21 of them Mamba with 96 heads of 80 and a state of 128, 4 of attention.
TEST(PassTraffic, OfThePublishedModel) {
  BoundModel model;
  model.config = nano_4b();
  constexpr int64_t kSsm = 21 * 96 * 80 * 128 * 4, kConv = 21 * 3 * 9728 * 4;
  const PassTraffic one = pass_traffic(model, DType::kF16, DType::kF32, 1, 1000);
  EXPECT_EQ(one.state_read, kSsm + kSsm / 64 + kConv);
  EXPECT_EQ(one.state_written, kSsm / 64);
  EXPECT_EQ(one.kv_read, 16384 * 1000);

  const PassTraffic eight = pass_traffic(model, DType::kF32, DType::kF32, 8, 64);
  EXPECT_EQ(eight.state_read, 8 * one.state_read);
  const PassTraffic first = pass_traffic(model, DType::kF32, DType::kF32, 8, 0);  // no state is read before one is full
  EXPECT_EQ(first.state_read, 8 * kConv);
  EXPECT_EQ(first.kv_read, 0);
}

TEST(PassTraffic, WeightsAreReadOnceForAllSequences) {
  const test::TempDir dir;
  const auto bound = bind(test::write_gguf(dir, test::gguf_draft(tiny())));
  ASSERT_TRUE(bound) << bound.error().message();
  const PassTraffic eight = pass_traffic(*bound, DType::kF16, DType::kF32, 8, 10);
  EXPECT_EQ(eight.weights, 4 * (active_parameter_count(tiny()) + tiny().hidden_size));
  EXPECT_EQ(eight.total(), eight.weights + eight.state_read + eight.state_written + eight.kv_read);
}

/// By hand: one MLP layer of 4 x 3, a vocabulary of 10.
TEST(PromptOperations, OfMatricesAlone) {
  ModelConfig config;
  config.layers = parse_pattern("-", 3, 1).value();
  config.vocab_size = 10;
  config.hidden_size = 4;
  config.num_attention_heads = config.mamba_num_heads = config.n_groups = 1;
  config.head_dim = config.mamba_head_dim = config.ssm_state_size = 16;
  config.conv_kernel = 4;
  EXPECT_EQ(prompt_operations(config, 0, 1), 2 * (2 * 4 * 3 + 10 * 4));
  EXPECT_EQ(prompt_operations(config, 100, 5), 2 * (5 * 2 * 4 * 3 + 10 * 4));
}

TEST(PromptOperations, AttentionSeesWhatCameBefore) {
  const ModelConfig config = nano_4b();  // 4 layers of 40 heads of 128
  const double per_key = 4.0 * 4 * 40 * 128;
  // The second position sees one key more than the first; the output matrix counts once for both.
  const double one = prompt_operations(config, 0, 1), two = prompt_operations(config, 0, 2);
  const double output = 2.0 * 131072 * 3136;
  EXPECT_EQ(two - one, one - output + per_key);
  EXPECT_EQ(prompt_operations(config, 1000, 1) - one, 1000 * per_key);
  EXPECT_NEAR((one - output) / 1e9, 6.3, 0.1);  // what a prompt token of this model costs
}

}  // namespace
}  // namespace adder
