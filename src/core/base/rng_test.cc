#include "core/base/rng.h"

#include <gtest/gtest.h>

#include <cmath>

namespace adder {
namespace {

using Words = std::array<uint32_t, 4>;

/// Known answers of philox4x32-10 published with Random123 (kat_vectors). Counter words: n, then stream; key: seed.
TEST(Rng, IsPhilox) {
  EXPECT_EQ(Rng(0, 0).block(0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint64_t kOnes = ~uint64_t{0};
  EXPECT_EQ(Rng(kOnes, kOnes).block(kOnes), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Rng(0x299f31d0a4093822, 0x0370734413198a2e).block(0x85a308d3243f6a88),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Rng, ReadsItsBlocksInOrder) {
  Rng rng(5, 9);
  for (uint64_t n = 0; n < 3; ++n)
    for (const uint32_t word : rng.block(n)) EXPECT_EQ(rng.next_u32(), word);
  const Words next = rng.block(3);
  EXPECT_EQ(rng.next_u64(), uint64_t{next[0]} << 32 | next[1]);
}

TEST(Rng, StreamsAndSeedsDiffer) {
  EXPECT_NE(Rng(1, 0).block(0), Rng(2, 0).block(0));
  EXPECT_NE(Rng(1, 0).block(0), Rng(1, 1).block(0));
  EXPECT_NE(Rng(1, 0).block(0), Rng(1, 0).block(1));
}

TEST(Rng, UniformFillsTheUnitInterval) {
  Rng rng(3);
  constexpr int kDraws = 200000, kBins = 10;
  std::array<int, kBins> bins{};
  for (int i = 0; i < kDraws; ++i) {
    const float u = rng.uniform();
    ASSERT_TRUE(u >= 0 && u < 1);
    ++bins[static_cast<size_t>(u * kBins)];
    const double d = rng.uniform_double();
    ASSERT_TRUE(d >= 0 && d < 1);
  }
  for (const int count : bins) EXPECT_NEAR(count, kDraws / kBins, 5 * std::sqrt(kDraws / kBins));
}

TEST(Rng, BelowStaysBelowAndReachesEverything) {
  Rng rng(3);
  for (const uint64_t n : {uint64_t{1}, uint64_t{2}, uint64_t{7}}) {
    std::array<int, 7> seen{};
    for (int i = 0; i < 1000; ++i) {
      const uint64_t k = rng.below(n);
      ASSERT_LT(k, n);
      ++seen[k];
    }
    for (uint64_t k = 0; k < n; ++k) EXPECT_GT(seen[k], 0) << k << " of " << n;
  }
}

TEST(Rng, NormalHasTheMomentsOfAGaussian) {
  Rng rng(3);
  constexpr int kDraws = 200000;
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = rng.normal();
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  EXPECT_NEAR(sum / kDraws, 0.0, 5 / std::sqrt(kDraws));  // five standard errors each
  EXPECT_NEAR(squares / kDraws, 1.0, 5 * std::sqrt(2.0 / kDraws));
  EXPECT_NEAR(fourth / kDraws, 3.0, 5 * std::sqrt(96.0 / kDraws));
}

}  // namespace
}  // namespace adder
