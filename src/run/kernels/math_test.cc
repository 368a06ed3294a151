#include "run/kernels/math.h"

#include <gtest/gtest.h>

#include <limits>

namespace adder {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

/// Distance from `want` in units of the last place of an f32 of that size.
double ulps(float got, double want) {
  const int exponent = std::max(std::ilogb(want), -126);
  return std::abs(static_cast<double>(got) - want) / std::ldexp(1.0, exponent - 23);
}

TEST(Exp, WithinOneUlpFromTheLeastThatCountsOn) {
  double worst = 0.0;
  for (uint32_t sign : {0u, 0x80000000u}) {
    for (uint32_t u = 0x30000000u; u < 0x42d00000u; u += 997) {  // 4.7e-10 .. 104
      const float x = std::bit_cast<float>(u | sign);
      const double want = std::exp(static_cast<double>(x));
      if (want > static_cast<double>(std::numeric_limits<float>::max()) || want < 0x1p-64) continue;
      worst = std::max(worst, ulps(exp_f32(x), want));
    }
  }
  EXPECT_LT(worst, 1.0);
}

TEST(Exp, Limits) {
  EXPECT_EQ(exp_f32(0.0f), 1.0f);
  EXPECT_EQ(exp_f32(-0.0f), 1.0f);
  EXPECT_EQ(exp_f32(kInf), kInf);
  EXPECT_EQ(exp_f32(1e30f), kInf);
  EXPECT_EQ(exp_f32(88.73f), kInf);
  EXPECT_LT(exp_f32(88.72f), kInf);
  EXPECT_EQ(exp_f32(-kInf), 0.0f);
  EXPECT_EQ(exp_f32(-1e30f), 0.0f);
  EXPECT_EQ(exp_f32(-44.37f), 0.0f);
  EXPECT_NEAR(exp_f32(-44.36f), 0x1p-64, 0x1p-73);
  EXPECT_TRUE(std::isnan(exp_f32(std::numeric_limits<float>::quiet_NaN())));
}

TEST(Exp, NeverDecreasesBetweenSteps) {
  float last = 0.0f;
  for (float x = -104.0f; x < 89.0f; x += 1.0f / 64.0f) {
    EXPECT_GE(exp_f32(x), last) << x;
    last = exp_f32(x);
  }
}

TEST(Sigmoid, AgainstDoubleAndAtTheLimits) {
  for (float x = -80.0f; x < 100.0f; x += 0.0371f) {
    const double want = 1.0 / (1.0 + std::exp(-static_cast<double>(x)));
    EXPECT_LT(ulps(sigmoid(x), want), 3.0) << x;
    EXPECT_LT(ulps(silu(x), static_cast<double>(x) * want), 3.0) << x;
  }
  EXPECT_EQ(sigmoid(-1000.0f), 0.0f);
  EXPECT_EQ(sigmoid(1000.0f), 1.0f);
  EXPECT_EQ(silu(-1000.0f), 0.0f);
  EXPECT_EQ(silu(1000.0f), 1000.0f);
}

TEST(Softplus, AgainstDoubleAndAtTheLimits) {
  for (float x = -100.0f; x < 20.0f; x += 0.0371f) {
    EXPECT_LE(ulps(softplus(x), std::log1p(std::exp(static_cast<double>(x)))), 0.5001) << x;
  }
  EXPECT_EQ(softplus(21.0f), 21.0f);
  EXPECT_EQ(softplus(kInf), kInf);
  EXPECT_EQ(softplus(-kInf), 0.0f);
}

}  // namespace
}  // namespace adder
