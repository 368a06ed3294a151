#include "core/arch/budget.h"

#include <gtest/gtest.h>

#include "core/arch/model_files_for_test.h"
#include "core/arch/presets.h"

namespace adder {
namespace {

TEST(Budget, ParametersOfThePublishedModels) {
  EXPECT_EQ(3973556832, parameter_count(nano_4b()));
  EXPECT_EQ(8888227328, parameter_count(nano_9b()));
  EXPECT_EQ(12310001152, parameter_count(nano_12b()));
  EXPECT_EQ(3562515040, active_parameter_count(nano_4b()));
  EXPECT_EQ(8301024768, active_parameter_count(nano_9b()));
}

TEST(Budget, StateOfThePublishedModels) {
  const StateBytes nano4 = state_bytes(nano_4b(), DType::kF16);
  EXPECT_EQ(85026816, nano4.conv + nano4.ssm);
  EXPECT_EQ(21 * 116736, nano4.conv);
  EXPECT_EQ(16384, nano4.kv_per_token);
  const StateBytes nano9 = state_bytes(nano_9b(), DType::kF32);
  EXPECT_EQ(145539072, nano9.conv + nano9.ssm);
  EXPECT_EQ(2 * 16384, nano9.kv_per_token);
}

TEST(Budget, ATiedTableIsReadWhole) {
  ModelConfig config = tiny();
  const int64_t table = config.vocab_size * config.hidden_size;
  EXPECT_EQ(parameter_count(config) - table, active_parameter_count(config));
  config.tie_word_embeddings = true;
  EXPECT_EQ(parameter_count(config), active_parameter_count(config));
}

TEST(Budget, WeightBytesPerTokenCountOneRowOfTheTable) {
  const test::TempDir dir;
  const auto bound = bind(test::write_gguf(dir, test::gguf_draft(tiny())));
  ASSERT_TRUE(bound) << bound.error().message();
  EXPECT_EQ(4 * (active_parameter_count(tiny()) + tiny().hidden_size), weight_bytes_per_token(*bound));
}

}  // namespace
}  // namespace adder
