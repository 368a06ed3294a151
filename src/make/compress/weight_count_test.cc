#include "make/compress/weight_count.h"

#include <gtest/gtest.h>

#include "core/arch/checkpoint_writer.h"
#include "core/arch/presets.h"

namespace adder {
namespace {

TEST(WeightCount, IsByType) {
  const ModelConfig config = nano_4b();
  const auto types = uniform_types(tensor_specs(config), Layout::kGguf, DType::kBF16);
  const WeightCount count = count_weights(config, types);
  EXPECT_EQ(count.parameters, 3973556832);
  ASSERT_EQ(count.by_type.size(), 2u);
  EXPECT_EQ(count.by_type[0].type, DType::kBF16);
  EXPECT_EQ(count.by_type[0].bytes, 2 * static_cast<uint64_t>(count.by_type[0].parameters));
  // What is no matrix: 43 norms of H, and in 21 Mamba layers conv (7680 + 2048)(4 + 1), three of 96, a norm of 7680.
  EXPECT_EQ(count.by_type[1].parameters, 43 * 3136 + 21 * (9728 * 5 + 3 * 96 + 7680));
  EXPECT_EQ(count.bytes, count.by_type[0].bytes + 4 * static_cast<uint64_t>(count.by_type[1].parameters));
}

}  // namespace
}  // namespace adder
