#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/base/half.h"
#include "core/base/rng.h"
#include "core/quant/codec.h"
#include "core/quant/format_table.h"

namespace adder {
namespace {

std::vector<DType> encodable() {
  std::vector<DType> types;
  for (const DTypeInfo& row : all_dtypes())
    if (can_encode(row.dtype)) types.push_back(row.dtype);
  return types;
}

/// All but F8_E4M3, which saturates and whose smallest number is large.
std::vector<DType> encodable_but_e4m3() {
  std::vector<DType> types = encodable();
  std::erase(types, DType::kF8E4M3);
  return types;
}

std::vector<DType> encodable_blocks() {
  std::vector<DType> types = encodable();
  std::erase_if(types, [](DType dtype) { return info(dtype).block_size == 1; });
  return types;
}

std::vector<std::byte> encoded(DType dtype, const std::vector<float>& x, const std::vector<float>& importance = {}) {
  std::vector<std::byte> blocks(storage_bytes(dtype, static_cast<int64_t>(x.size())));
  const Status status = encode(dtype, x, importance, blocks.data());
  EXPECT_TRUE(status) << status.error().message();
  return blocks;
}

std::vector<float> round_trip(DType dtype, const std::vector<float>& x, const std::vector<float>& importance = {}) {
  std::vector<float> y(x.size());
  decode(dtype, encoded(dtype, x, importance).data(), y);
  return y;
}

double relative_rms(const std::vector<float>& x, const std::vector<float>& y) {
  double error = 0, power = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    error += (double{y[i]} - x[i]) * (double{y[i]} - x[i]);
    power += double{x[i]} * x[i];
  }
  return std::sqrt(error / power);
}

std::vector<float> gaussian(size_t n, float scale) {
  Rng rng(7);
  std::vector<float> x(n);
  for (float& v : x) v = scale * rng.normal();
  return x;
}

/// Mean squared activations as they are met: a few columns carry most of the signal.
std::vector<float> lognormal(size_t n) {
  Rng rng(11);
  std::vector<float> w(n);
  for (float& v : w) v = std::exp(2.0f * rng.normal());
  return w;
}

TEST(Encode, EveryInstructionSetWritesTheSameBytes) {
  const auto x = gaussian(16384, 0.02f), w = lognormal(16384);
  for (const auto formats : {legacy_formats(), scale_min_formats(), signed_scale_formats(), iq4_formats()})
    for (const Format& format : formats)
      for (const size_t n : {size_t{16384}, size_t{256}})
        for (const std::span<const float> importance : {std::span<const float>(), std::span(w).first(n)}) {
          const auto of = [&](const Searches& searches) {
            std::vector<std::byte> blocks(storage_bytes(format.dtype, static_cast<int64_t>(n)));
            format.encode(searches, std::span(x).first(n), importance, blocks.data());
            return blocks;
          };
          for (const Searches* searches : supported_searches())
            EXPECT_EQ(of(*searches), of(portable::searches())) << name(format.dtype) << " " << searches->name;
        }
}

/// A row's blocks do not depend on how many follow: 32 to 288 elements fill the last vector in every way.
TEST(Encode, BlocksOf32DoNotSeeTheirNeighbours) {
  const auto x = gaussian(288, 0.5f);
  for (const DType dtype : encodable_blocks()) {
    if (info(dtype).block_size != 32) continue;
    const auto whole = encoded(dtype, x);
    for (size_t n = 32; n < 288; n += 32) {
      const auto part = encoded(dtype, {x.begin(), x.begin() + static_cast<std::ptrdiff_t>(n)});
      EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin())) << name(dtype) << " " << n;
    }
  }
}

TEST(Encode, E4M3RoundsToEvenAndSaturates) {
  const std::vector<float> x = {1.0f, 1.0625f, 1.1875f, -0x1p-9f, 0x1p-10f, 448.0f, -1e30f, 0.0f};
  EXPECT_EQ(round_trip(DType::kF8E4M3, x), (std::vector<float>{1.0f, 1.0f, 1.25f, -0x1p-9f, 0, 448.0f, -448.0f, 0}));
}

/// The error of each format on Gaussian weights, measured independently on the reference quantisers (relative RMS over
/// 409,600 values); a window of 1 % around it, so that a codec cannot drift unnoticed in either direction.
TEST(Encode, ErrorOnGaussianDataStaysWhereItWasMeasured) {
  struct Measured {
    DType dtype;
    double relative_rms;
  };
  const Measured table[] = {
      {DType::kF32, 0},         {DType::kF16, 0.000207},    {DType::kBF16, 0.001661},  {DType::kQ8_0, 0.005358},
      {DType::kQ6_K, 0.017731}, {DType::kF8E4M3, 0.033052}, {DType::kQ5_K, 0.036195},  {DType::kQ5_1, 0.037924},
      {DType::kQ5_0, 0.042667}, {DType::kQ4_K, 0.071481},   {DType::kIQ4_NL, 0.07629}, {DType::kIQ4_XS, 0.076868},
      {DType::kQ4_1, 0.078274}, {DType::kQ4_0, 0.086127},   {DType::kQ3_K, 0.151344},  {DType::kQ2_K, 0.297243}};
  const auto x = gaussian(size_t{1} << 18, 0.02f);
  double previous = -1;
  for (const auto& [dtype, expected] : table) {
    const double found = relative_rms(x, round_trip(dtype, x));
    EXPECT_NEAR(found, expected, 0.01 * expected) << name(dtype);
    EXPECT_GT(found, previous) << name(dtype) << " should lose more than the type before it";
    previous = found;
  }
}

TEST(Encode, ChoosesKnownScales) {
  std::vector<float> x(256);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(static_cast<int>(37 * i % 101) - 50) / 64.0f;
  const auto half_at = [](const std::vector<std::byte>& bytes, size_t at) {
    return static_cast<int>(bytes[at]) | static_cast<int>(bytes[at + 1]) << 8;
  };
  // The first 32 elements span -50/64 (i = 0) to 50/64 (i = 30); of equal magnitudes the first counts.
  EXPECT_EQ(half_at(encoded(DType::kQ8_0, x), 0), float_to_half(50.0f / 64 / 127));
  EXPECT_EQ(half_at(encoded(DType::kQ4_0, x), 0), float_to_half(50.0f / 64 / 8));
  EXPECT_EQ(half_at(encoded(DType::kQ5_0, x), 0), float_to_half(50.0f / 64 / 16));
  EXPECT_EQ(half_at(encoded(DType::kQ4_1, x), 0), float_to_half(100.0f / 64 / 15));
  EXPECT_EQ(half_at(encoded(DType::kQ5_1, x), 0), float_to_half(100.0f / 64 / 31));
  EXPECT_EQ(half_at(encoded(DType::kQ5_1, x), 2), float_to_half(-50.0f / 64));
}

TEST(Encode, RoundsHalvesAsTheFormatSays) {
  std::vector<float> x(32, 0.0f);
  x[0] = 127.0f;  // d = 1
  x[1] = 0.5f, x[2] = -0.5f, x[3] = 1.5f, x[4] = 2.5f;
  const auto q8 = round_trip(DType::kQ8_0, x);
  EXPECT_EQ(q8[1], 1.0f);  // away from zero
  EXPECT_EQ(q8[2], -1.0f);
  EXPECT_EQ(q8[3], 2.0f);
  EXPECT_EQ(q8[4], 3.0f);
}

TEST(Encode, PutsTheLargestElementOnTheLowestLevel) {
  std::vector<float> x(32, 0.0f);
  x[5] = 3.0f, x[6] = -2.0f;
  for (const DType dtype : {DType::kQ4_0, DType::kQ5_0}) {
    const auto y = round_trip(dtype, x);
    EXPECT_EQ(y[5], 3.0f) << name(dtype);  // d = 3 / -8 is a half
    EXPECT_EQ(y[0], 0.0f) << name(dtype);
  }
}

TEST(Encode, KeepsZeros) {
  for (const DType dtype : encodable())
    for (const float v : round_trip(dtype, std::vector<float>(512, 0.0f))) EXPECT_EQ(v, 0.0f) << name(dtype);
}

TEST(Encode, KeepsAZeroBlockBesideAFullOne) {
  auto x = gaussian(512, 1.0f);
  std::fill(x.begin(), x.begin() + 256, 0.0f);
  for (const DType dtype : encodable_blocks()) {
    const auto y = round_trip(dtype, x);
    for (size_t i = 0; i < 256; ++i) ASSERT_EQ(y[i], 0.0f) << name(dtype) << " " << i;
  }
}

TEST(Encode, KeepsConstantsWithinTheScalesPrecision) {
  for (const DType dtype : encodable_but_e4m3())
    for (const float c : {1.0f, -1.0f, 0.3f, -0.3f, 1000.0f}) {
      for (const float v : round_trip(dtype, std::vector<float>(256, c)))
        // A half scale or min is good to 2^-11, BF16 to 2^-8; 6-bit scales add nothing to a constant block.
        ASSERT_NEAR(v, c, std::fabs(c) * (dtype == DType::kBF16 ? 0x1p-8f : 0x1p-10f)) << name(dtype) << " " << c;
    }
}

TEST(Encode, IsIdempotentWhereTheGridIsKept) {
  const auto x = gaussian(4096, 0.5f);
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0, DType::kQ4_0, DType::kQ5_0}) {
    const auto once = round_trip(dtype, x);
    EXPECT_EQ(relative_rms(once, round_trip(dtype, once)), 0.0) << name(dtype);
  }
}

TEST(Encode, SurvivesMixedAndExtremeMagnitudes) {
  Rng rng(3);
  for (const DType dtype : encodable_but_e4m3())
    for (int trial = 0; trial < 64; ++trial) {
      std::vector<float> x(256);
      for (float& v : x)  // from subnormal to the largest half, both signs
        v = std::ldexp(rng.uniform() - 0.5f, static_cast<int>(rng.below(166)) - 149);
      if (trial % 4 == 0) x[rng.below(256)] = largest_encodable(dtype);
      if (trial % 4 == 1) x[rng.below(256)] = -largest_encodable(dtype);
      std::vector<float> y(x.size());
      const auto blocks = encoded(dtype, x);
      EXPECT_EQ(find_non_finite(dtype, blocks.data(), 256), std::nullopt) << name(dtype);
      decode(dtype, blocks.data(), y);
      float largest = 0;
      for (const float v : x) largest = std::max(largest, std::fabs(v));
      for (size_t i = 0; i < x.size(); ++i) ASSERT_LE(std::fabs(y[i]), 1.2f * largest + 0x1p-14f) << name(dtype);
    }
}

TEST(Encode, TinyValuesVanishQuietly) {
  const auto x = gaussian(256, 1e-42f);  // subnormal: no half scale can hold them
  for (const DType dtype : encodable_blocks())
    for (const float v : round_trip(dtype, x)) ASSERT_EQ(v, 0.0f) << name(dtype);
  // With a subnormal half as the scale the values are coarse, not lost.
  for (const DType dtype : encodable_blocks()) {
    const auto y = gaussian(256, 1e-4f), large = gaussian(256, 1.0f);
    EXPECT_LT(relative_rms(y, round_trip(dtype, y)), relative_rms(large, round_trip(dtype, large)) + 0.015)
        << name(dtype);
  }
}

TEST(Encode, RefusesWhatNoScaleCanHold) {
  for (const DType dtype : encodable()) {
    std::vector<float> values = {NAN, INFINITY, -INFINITY};
    if (dtype != DType::kF32) values.push_back(std::nextafter(largest_encodable(dtype), INFINITY));
    for (const float bad : values) {
      std::vector<float> x(256, 0.25f);
      x[77] = bad;
      std::vector<std::byte> out(storage_bytes(dtype, 256), std::byte{0x5a});
      const auto untouched = out;
      const Status status = encode(dtype, x, {}, out.data());
      ASSERT_FALSE(status) << name(dtype) << " " << bad;
      EXPECT_EQ(status.error().code(), ErrorCode::kCorrupt);
      EXPECT_NE(status.error().message().find("element 77"), std::string::npos) << status.error().message();
      EXPECT_EQ(out, untouched);
    }
  }
}

double weighted_error(const std::vector<float>& x, const std::vector<float>& y, const std::vector<float>& weights) {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += weights[i] * (double{y[i]} - x[i]) * (double{y[i]} - x[i]);
  return sum;
}

TEST(EncodeWithImportance, LessensTheWeightedError) {
  const auto x = gaussian(8192, 0.02f), w = lognormal(8192);
  for (const DType dtype : encodable_blocks()) {
    const double plain = weighted_error(x, round_trip(dtype, x), w);
    const double weighted = weighted_error(x, round_trip(dtype, x, w), w);
    if (dtype == DType::kQ8_0)
      EXPECT_EQ(weighted, plain);
    else
      EXPECT_LT(weighted, 0.98 * plain) << name(dtype);
  }
}

TEST(EncodeWithImportance, TakesOnlyRatiosIntoAccount) {
  const auto x = gaussian(1024, 0.02f);
  const auto w = lognormal(1024);
  for (const DType dtype : encodable_blocks()) {
    const auto expected = encoded(dtype, x, w);
    for (const int exponent : {-140, -60, 60, 110}) {
      auto scaled = w;
      for (float& v : scaled) v = std::ldexp(v, exponent);
      if (exponent == -140) scaled.assign(1024, 0x1p-149f);
      EXPECT_EQ(encoded(dtype, x, scaled),
                exponent == -140 ? encoded(dtype, x, std::vector<float>(1024, 1.0f)) : expected)
          << name(dtype) << " 2^" << exponent;
    }
  }
}

TEST(EncodeWithImportance, ZerosEverywhereAreNoImportance) {
  const auto x = gaussian(512, 1.0f);
  for (const DType dtype : encodable_blocks())
    EXPECT_EQ(encoded(dtype, x, std::vector<float>(512, 0.0f)), encoded(dtype, x)) << name(dtype);
}

TEST(EncodeWithImportance, ABlockWithoutImportanceIsNotGivenUp) {
  const auto x = gaussian(1024, 1.0f);
  std::vector<float> w(1024, 1.0f);
  std::fill(w.begin() + 256, w.begin() + 512, 0.0f);
  for (const DType dtype : encodable_blocks()) {
    const auto y = round_trip(dtype, x, w);
    const std::vector<float> was(x.begin() + 256, x.begin() + 512), is(y.begin() + 256, y.begin() + 512);
    EXPECT_LT(relative_rms(was, is), 0.5) << name(dtype);
  }
}

TEST(EncodeWithImportance, RefusesWhatIsNoWeight) {
  const std::vector<float> x(256, 0.25f);
  for (const DType dtype : encodable())
    for (const float bad : {NAN, INFINITY, -1.0f}) {
      std::vector<float> w(256, 1.0f);
      w[78] = bad;
      std::vector<std::byte> out(storage_bytes(dtype, 256), std::byte{0x5a});
      const auto untouched = out;
      const Status status = encode(dtype, x, w, out.data());
      ASSERT_FALSE(status) << name(dtype) << " " << bad;
      EXPECT_EQ(status.error().code(), ErrorCode::kCorrupt);
      EXPECT_NE(status.error().message().find("importance of element 78"), std::string::npos);
      EXPECT_EQ(out, untouched);
    }
}

TEST(EncodeWithImportance, SurvivesExtremeMagnitudes) {
  Rng rng(5);
  for (const DType dtype : encodable_blocks())
    for (int trial = 0; trial < 64; ++trial) {
      std::vector<float> x(256), w(256);
      for (float& v : x) v = std::ldexp(rng.uniform() - 0.5f, static_cast<int>(rng.below(166)) - 149);
      for (float& v : w) v = std::ldexp(rng.uniform(), static_cast<int>(rng.below(277)) - 149);
      x[rng.below(256)] = (trial % 2 == 0 ? 1.0f : -1.0f) * largest_encodable(dtype);
      const auto blocks = encoded(dtype, x, w);
      EXPECT_EQ(find_non_finite(dtype, blocks.data(), 256), std::nullopt) << name(dtype) << " trial " << trial;
    }
}

}  // namespace
}  // namespace adder
