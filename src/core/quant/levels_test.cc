#include "core/quant/levels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/base/rng.h"
#include "core/quant/codec.h"

namespace adder {
namespace {

constexpr std::array kWithLevels = {DType::kQ4_0, DType::kQ4_1,   DType::kQ5_0,  DType::kQ5_1,
                                    DType::kQ2_K, DType::kQ3_K,   DType::kQ4_K,  DType::kQ5_K,
                                    DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS};

std::vector<std::byte> encoded_block(DType type, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> x(static_cast<size_t>(info(type).block_size));
  for (float& v : x) v = 0.3f + rng.normal();
  std::vector<std::byte> block(static_cast<size_t>(info(type).block_bytes));
  EXPECT_TRUE(encode(type, x, {}, block.data()));
  return block;
}

TEST(Levels, AreOfTheBlockTypesButTheFinest) {
  for (const DTypeInfo& row : all_dtypes()) {
    const bool expected = std::ranges::find(kWithLevels, row.dtype) != kWithLevels.end();
    EXPECT_EQ(has_levels(row.dtype), expected) << row.name;
  }
  EXPECT_EQ(top_position(DType::kQ4_0), 15);
  EXPECT_EQ(top_position(DType::kQ2_K), 3);
  EXPECT_EQ(top_position(DType::kQ3_K), 7);
  EXPECT_EQ(top_position(DType::kQ5_1), 31);
  EXPECT_EQ(top_position(DType::kQ6_K), 63);
  EXPECT_EQ(top_position(DType::kIQ4_XS), 240);
}

/// What was written into a block is what the decoder, which knows the layouts on its own, reads out of it.
TEST(Levels, DecodeToWhatTheRangePromises) {
  for (const DType type : kWithLevels) {
    std::vector<std::byte> block = encoded_block(type, 5);
    const auto size = static_cast<size_t>(info(type).block_size);
    std::vector<float> low(size), step(size), x(size);
    level_range(type, block.data(), low, step);
    Rng rng(7);
    std::vector<uint8_t> levels(size);
    for (uint8_t& q : levels) q = nearest_to_position(type, static_cast<float>(top_position(type)) * rng.uniform());
    set_levels(type, block.data(), levels);
    decode(type, block.data(), x);
    float spread = 0;
    for (size_t e = 0; e < size; ++e) {
      const float expected = low[e] + step[e] * static_cast<float>(position_of(type, levels[e]));
      EXPECT_NEAR(x[e], expected, 1e-5f) << name(type) << " element " << e;
      spread = std::max(spread, std::fabs(step[e]));
    }
    EXPECT_GT(spread, 1e-3f) << name(type);
  }
}

TEST(Levels, LeaveTheScalesAlone) {
  for (const DType type : kWithLevels) {
    std::vector<std::byte> block = encoded_block(type, 11), other = block;
    const auto size = static_cast<size_t>(info(type).block_size);
    std::vector<float> low(size), step(size), low_after(size), step_after(size);
    level_range(type, block.data(), low, step);
    set_levels(type, other.data(), std::vector<uint8_t>(size, 2));
    EXPECT_NE(block, other) << name(type);
    level_range(type, other.data(), low_after, step_after);
    EXPECT_EQ(low, low_after) << name(type);
    EXPECT_EQ(step, step_after) << name(type);
  }
}

TEST(Levels, NearestStaysInRange) {
  EXPECT_EQ(nearest_to_position(DType::kQ4_0, 3.4f), 3);
  EXPECT_EQ(nearest_to_position(DType::kQ4_0, -8.0f), 0);
  EXPECT_EQ(nearest_to_position(DType::kQ4_0, 1e30f), 15);
  EXPECT_EQ(nearest_to_position(DType::kQ4_0, NAN), 0);
  EXPECT_EQ(nearest_to_position(DType::kIQ4_NL, -1e30f), 0);
  EXPECT_EQ(nearest_to_position(DType::kIQ4_NL, 127 + 2.0f), 8);   // 1 is nearer than 13
  EXPECT_EQ(nearest_to_position(DType::kIQ4_NL, 127 - 95.0f), 1);  // -104, not -83
  EXPECT_EQ(nearest_to_position(DType::kIQ4_NL, 1e30f), 15);
  EXPECT_EQ(nearest_to_position(DType::kIQ4_NL, NAN), 0);
}

}  // namespace
}  // namespace adder
