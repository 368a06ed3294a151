#include "core/arch/a_log.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace adder {
namespace {

float bf16(uint32_t code) {
  return std::bit_cast<float>(code << 16);
}

bool comes_back(float x, DType type) {
  const float a = a_of_log(x);
  return a < 0 && std::isfinite(a) && std::bit_cast<uint32_t>(log_of_a(a, type)) == std::bit_cast<uint32_t>(x);
}

TEST(ALog, EveryBf16ThatAModelMayHoldComesBackToTheBit) {
  int within = 0, others = 0;
  for (uint32_t code = 0; code < 65536; ++code) {
    const float x = bf16(code), magnitude = std::abs(x);
    if (!std::isfinite(x)) continue;
    const bool is_promised = code == 0 || (magnitude >= 0x1p-16f && magnitude <= 87.0f);
    if (is_promised) {
      EXPECT_TRUE(comes_back(x, DType::kBF16)) << x;
    }
    (is_promised ? within : others) += comes_back(x, DType::kBF16);
  }
  EXPECT_EQ(5727, within);      // 0, and 2 signs x (22 octaves of 128 from 2^-16 to 2^6, and 47 from 64 to 87)
  EXPECT_NEAR(417, others, 8);  // depends on the last bit of the machine's exp and log
}

/// -1, -2, ..., -16 are what Mamba-2 starts from: the F32 A_log of each is found again.
TEST(ALog, TheAOfAFreshModelHasAnALog) {
  for (int head = 1; head <= 16; ++head) {
    const float a = -static_cast<float>(head);
    EXPECT_NEAR(std::log(head), log_of_a(a, DType::kF32), 1e-6);
    EXPECT_NEAR(1, a_of_log(log_of_a(a, DType::kF32)) / a, 2e-7);
  }
  EXPECT_EQ(0, log_of_a(-1, DType::kF32));
}

TEST(ALog, PrefersAnALogWithThatVeryA) {
  int hits = 0;
  for (int i = 0; i < 1000; ++i) {
    const float x = 1.0f + static_cast<float>(i) / 997.0f, a = a_of_log(x);
    hits += a_of_log(log_of_a(a, DType::kF32)) == a;
  }
  EXPECT_EQ(1000, hits);
}

}  // namespace
}  // namespace adder
