#include "core/base/half.h"

#include <gtest/gtest.h>

#include <cmath>

namespace adder {
namespace {

uint32_t bits_of(float f) {
  return std::bit_cast<uint32_t>(f);
}

/// The value of a binary16 pattern from its definition, in double.
double half_value(uint32_t h) {
  const int exponent = static_cast<int>(h >> 10 & 31), mantissa = static_cast<int>(h & 1023);
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return h & 0x8000 ? -magnitude : magnitude;
}

TEST(Half, EveryPatternHasItsValueAndComesBack) {
  for (uint32_t h = 0; h < 65536; ++h) {
    const float f = half_to_float(static_cast<uint16_t>(h));
    const bool special = (h & 0x7c00) == 0x7c00;
    if (special && (h & 1023) != 0) {
      ASSERT_TRUE(std::isnan(f)) << h;
      const uint16_t back = float_to_half(f);
      ASSERT_EQ(back & 0x7e00, 0x7e00) << "a quiet NaN, " << h;
      ASSERT_EQ(back & 0x81ff, h & 0x81ff) << "of the same sign and payload, " << h;
      continue;
    }
    if (special)
      ASSERT_EQ(f, h & 0x8000 ? -INFINITY : INFINITY);
    else
      ASSERT_EQ(static_cast<double>(f), half_value(h)) << h;
    ASSERT_EQ(std::signbit(f), (h & 0x8000) != 0) << h;
    ASSERT_EQ(float_to_half(f), h);
  }
}

/// Between any two neighbours: below the middle goes down, above goes up, the middle to the even one.
TEST(Half, RoundsToNearestEven) {
  for (uint32_t h = 0; h < 0x7bff; ++h) {
    const float low = half_to_float(static_cast<uint16_t>(h)), high = half_to_float(static_cast<uint16_t>(h + 1));
    const float middle = low + (high - low) / 2;  // exact in f32
    ASSERT_EQ(float_to_half(middle), (h & 1) ? h + 1 : h) << h;
    ASSERT_EQ(float_to_half(std::nextafter(middle, low)), h);
    ASSERT_EQ(float_to_half(std::nextafter(middle, high)), h + 1);
    ASSERT_EQ(float_to_half(-middle), 0x8000 | ((h & 1) ? h + 1 : h));
  }
}

TEST(Half, OverflowsHalfAStepAboveTheLargest) {
  EXPECT_EQ(float_to_half(65504.0f), 0x7bff);
  EXPECT_EQ(float_to_half(std::nextafter(65520.0f, 0.0f)), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_half(-65520.0f), 0xfc00);
  EXPECT_EQ(float_to_half(INFINITY), 0x7c00);
  EXPECT_EQ(float_to_half(0x1p-25f), 0x0000) << "half of the smallest: to even";
  EXPECT_EQ(float_to_half(std::nextafter(0x1p-25f, 1.0f)), 0x0001);
  EXPECT_EQ(float_to_half(-0x1p-149f), 0x8000);
}

TEST(Bfloat16, EveryPatternComesBack) {
  for (uint32_t h = 0; h < 65536; ++h) {
    const float f = bf16_to_float(static_cast<uint16_t>(h));
    ASSERT_EQ(bits_of(f), h << 16);
    ASSERT_EQ(float_to_bf16(f), std::isnan(f) ? h | 0x40 : h) << "NaNs are made quiet";
  }
}

TEST(Bfloat16, RoundsToNearestEven) {
  for (uint32_t h = 0; h < 0x7f80; ++h) {
    const uint32_t middle = h << 16 | 0x8000;
    ASSERT_EQ(float_to_bf16(std::bit_cast<float>(middle)), (h & 1) ? h + 1 : h);
    ASSERT_EQ(float_to_bf16(std::bit_cast<float>(middle - 1)), h);
    ASSERT_EQ(float_to_bf16(std::bit_cast<float>(middle + 1)), h + 1);
  }
  EXPECT_EQ(float_to_bf16(std::bit_cast<float>(0x7f800001u)), 0x7fc0) << "a NaN whose payload is cut off stays one";
  EXPECT_EQ(float_to_bf16(std::bit_cast<float>(0x7f7fffffu)), 0x7f80) << "the largest float rounds to infinity";
}

TEST(E4m3, EveryCodeHasItsValue) {
  for (uint32_t code = 0; code < 256; ++code) {
    const float f = e4m3_to_float(static_cast<uint8_t>(code));
    const int exponent = static_cast<int>(code >> 3 & 15), mantissa = static_cast<int>(code & 7);
    if ((code & 0x7f) == 0x7f) {
      EXPECT_TRUE(std::isnan(f)) << code;
      continue;
    }
    const double magnitude = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(1.0 + mantissa / 8.0, exponent - 7);
    EXPECT_EQ(static_cast<double>(f), code & 0x80 ? -magnitude : magnitude) << code;
    EXPECT_EQ(std::signbit(f), code >= 0x80) << code;
  }
  EXPECT_EQ(e4m3_to_float(0x7e), 448.0f);
  EXPECT_EQ(e4m3_to_float(0x38), 1.0f);
  EXPECT_EQ(e4m3_to_float(0x01), 0x1p-9f);
}

TEST(E4m3, EveryCodeComesBack) {
  for (uint32_t code = 0; code < 256; ++code) {
    if ((code & 0x7f) == 0x7f) continue;
    EXPECT_EQ(float_to_e4m3(e4m3_to_float(static_cast<uint8_t>(code))), code);
  }
}

/// Halfway between two codes is the even one's, and a bit to either side is not.
TEST(E4m3, RoundsToNearestEven) {
  for (uint32_t code = 0; code < 0x7e; ++code) {
    const float low = e4m3_to_float(static_cast<uint8_t>(code)), high = e4m3_to_float(static_cast<uint8_t>(code + 1));
    const float middle = (low + high) / 2;
    for (const uint32_t sign : {0u, 0x80u}) {
      const float s = sign != 0 ? -1.0f : 1.0f;
      EXPECT_EQ(float_to_e4m3(s * middle), sign | (code % 2 == 0 ? code : code + 1)) << code;
      EXPECT_EQ(float_to_e4m3(s * std::nextafter(middle, 0.0f)), sign | code);
      EXPECT_EQ(float_to_e4m3(s * std::nextafter(middle, 448.0f)), sign | (code + 1));
    }
  }
  EXPECT_EQ(float_to_e4m3(0x1p-149f), 0x00);
  EXPECT_EQ(float_to_e4m3(-0.0f), 0x80);
}

TEST(E4m3, SaturatesAt448) {
  for (const float f : {448.0f, 464.0f, 465.0f, 1e9f, INFINITY}) {
    EXPECT_EQ(float_to_e4m3(f), 0x7e) << f;
    EXPECT_EQ(float_to_e4m3(-f), 0xfe) << f;
  }
  EXPECT_EQ(float_to_e4m3(std::nextafter(448.0f, 0.0f)), 0x7e);
  EXPECT_EQ(float_to_e4m3(NAN) & 0x7f, 0x7f);
}

}  // namespace
}  // namespace adder
