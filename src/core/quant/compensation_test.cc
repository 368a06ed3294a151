#include "core/quant/compensation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/rng.h"
#include "core/base/testing/expect_error.h"
#include "core/quant/codec.h"

namespace adder {
namespace {

using testing::expect_error;

std::vector<float> random_rows(int64_t rows, int64_t width, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> x(static_cast<size_t>(rows * width));
  for (float& v : x) v = rng.normal();
  return x;
}

/// Mean products of inputs that are mixtures of a quarter as many sources, and some noise.
std::vector<float> correlated_gram(int64_t width) {
  const auto n = static_cast<size_t>(width), sources = n / 4;
  const std::vector<float> mix = random_rows(width, static_cast<int64_t>(sources), 17);
  std::vector<float> gram(n * n);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j) {
      double sum = i == j ? 0.05 : 0;
      for (size_t s = 0; s < sources; ++s)
        sum += static_cast<double>(mix[i * sources + s]) * mix[j * sources + s] / static_cast<double>(sources);
      gram[i * n + j] = static_cast<float>(sum);
    }
  return gram;
}

/// (w - q)^T G (w - q), summed over the rows, as it is written.
double cost(const std::vector<float>& gram, const std::vector<float>& w, const std::vector<float>& q) {
  const auto n = static_cast<size_t>(std::sqrt(static_cast<double>(gram.size())));
  double sum = 0;
  for (size_t r = 0; r < w.size(); r += n)
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < n; ++j)
        sum += static_cast<double>(w[r + i] - q[r + i]) * gram[i * n + j] * static_cast<double>(w[r + j] - q[r + j]);
  return sum;
}

std::vector<float> decoded(DType type, const std::vector<std::byte>& blocks, size_t n) {
  std::vector<float> values(n);
  decode(type, blocks.data(), values);
  return values;
}

std::vector<std::byte> compensated(const Compensation& by, DType type, std::span<const float> rows) {
  std::vector<std::byte> out(storage_bytes(type, static_cast<int64_t>(rows.size())));
  const Status done = by.encode(type, rows, 0, out.data());
  EXPECT_TRUE(done) << done.error().message();
  return out;
}

TEST(Compensation, SquaredIsTheQuadraticForm) {
  const std::vector<float> gram = correlated_gram(64), e = random_rows(1, 64, 3);
  const Compensation by = Compensation::from_gram(gram, 64, 64, 0).value();
  const double expected = cost(gram, e, std::vector<float>(64));
  EXPECT_NEAR(by.squared(e), expected, 1e-4 * expected);
}

/// What it is for, against rounding to the nearest with the same inputs' importance.
TEST(Compensation, CostsLessThanTheNearest) {
  constexpr int64_t kWidth = 256, kRows = 11;
  const std::vector<float> gram = correlated_gram(kWidth), w = random_rows(kRows, kWidth, 5);
  std::vector<float> importance(kWidth);
  for (size_t i = 0; i < kWidth; ++i) importance[i] = gram[i * kWidth + i];
  const Compensation by = Compensation::from_gram(gram, kWidth, kWidth).value();
  for (const DType type : {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ2_K, DType::kQ3_K,
                           DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS}) {
    std::vector<std::byte> nearest(storage_bytes(type, kRows * kWidth));
    for (size_t r = 0; r < kRows; ++r)
      ASSERT_TRUE(encode(type, std::span(w).subspan(r * kWidth, kWidth), importance,
                         &nearest[r * storage_bytes(type, kWidth)]));
    const double before = cost(gram, w, decoded(type, nearest, w.size()));
    const double after = cost(gram, w, decoded(type, compensated(by, type, w), w.size()));
    EXPECT_LT(after, 0.5 * before) << name(type);
    EXPECT_GT(after, 0) << name(type);
  }
}

/// Without correlation there is nothing to compensate for.
TEST(Compensation, OfUncorrelatedInputsRoundsToTheNearest) {
  constexpr int64_t kWidth = 64;
  std::vector<float> gram(kWidth * kWidth), values;
  for (size_t i = 0; i < kWidth; ++i) gram[i * kWidth + i] = 1;
  const std::vector<float> w = random_rows(8, kWidth, 7);
  const Compensation by = Compensation::from_gram(gram, kWidth, kWidth).value();
  values = decoded(DType::kQ4_0, compensated(by, DType::kQ4_0, w), w.size());
  std::vector<std::byte> nearest(storage_bytes(DType::kQ4_0, 8 * kWidth));
  ASSERT_TRUE(encode(DType::kQ4_0, w, std::vector<float>(w.size(), 1.0f), nearest.data()));
  const std::vector<float> expected = decoded(DType::kQ4_0, nearest, w.size());
  // Each is nearest for its scale; the search itself counts large weights more.
  EXPECT_LT(cost(gram, w, values), 1.02 * cost(gram, w, expected));
}

/// Squares along the diagonal are matrices of their own.
TEST(Compensation, StaysWithinASquare) {
  const std::vector<float> one = correlated_gram(256);
  std::vector<float> two(512 * 256);
  for (size_t i = 0; i < one.size(); ++i) {
    two[i] = one[i];
    two[one.size() + i] = 2 * one[i];
  }
  const Compensation by_one = Compensation::from_gram(one, 256, 256).value();
  const Compensation by_two = Compensation::from_gram(two, 512, 256).value();
  const std::vector<float> left = random_rows(8, 256, 1), right = random_rows(8, 256, 2);
  std::vector<float> both;
  for (size_t r = 0; r < 8; ++r) {
    both.insert(both.end(), left.begin() + r * 256, left.begin() + (r + 1) * 256);
    both.insert(both.end(), right.begin() + r * 256, right.begin() + (r + 1) * 256);
  }
  const auto halves_of = [&](DType type) {
    const auto l = compensated(by_one, type, left), r = compensated(by_one, type, right);
    const size_t bytes = storage_bytes(type, 256);
    std::vector<std::byte> joined;
    for (size_t row = 0; row < 8; ++row) {
      joined.insert(joined.end(), l.begin() + row * bytes, l.begin() + (row + 1) * bytes);
      joined.insert(joined.end(), r.begin() + row * bytes, r.begin() + (row + 1) * bytes);
    }
    return joined;
  };
  EXPECT_EQ(compensated(by_two, DType::kQ4_K, both), halves_of(DType::kQ4_K));
  const double first = by_one.squared(std::span(left).first(256)), second = by_one.squared(std::span(right).first(256));
  EXPECT_NEAR(by_two.squared(std::span(both).first(512)), first + 2 * second, 1e-6 * first);
}

TEST(Compensation, RowsDoNotDependOnHowManyThereAre) {
  const Compensation by = Compensation::from_gram(correlated_gram(256), 256, 256).value();
  const std::vector<float> w = random_rows(19, 256, 9);
  for (const DType type : {DType::kQ4_1, DType::kQ6_K}) {
    const auto whole = compensated(by, type, w), part = compensated(by, type, std::span(w).subspan(8 * 256, 8 * 256));
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + storage_bytes(type, 8 * 256))) << name(type);
  }
}

TEST(Compensation, WithoutInputCountsAllColumnsAlike) {
  const std::vector<float> w = random_rows(8, 32, 4), nothing(32 * 32);
  const Compensation by = Compensation::from_gram(nothing, 32, 32).value();
  EXPECT_NEAR(by.squared(std::vector<float>(32, 1.0f)), 32, 1e-9);
  EXPECT_FALSE(compensated(by, DType::kQ4_0, w).empty());
}

TEST(Compensation, RefusesWhatIsNoGram) {
  std::vector<float> gram(32 * 32);
  for (size_t i = 0; i < 32; ++i) gram[i * 32 + i] = 1;
  gram[3 * 32 + 7] = gram[7 * 32 + 3] = 5;
  expect_error(Compensation::from_gram(gram, 32, 32), ErrorCode::kCorrupt, "columns 0 to 31");
  gram[3 * 32 + 7] = NAN;
  expect_error(Compensation::from_gram(gram, 32, 32), ErrorCode::kCorrupt, "no matrix");
}

TEST(Compensation, NamesABadNumber) {
  const Compensation by = Compensation::from_gram(correlated_gram(32), 32, 32).value();
  std::vector<float> w = random_rows(9, 32, 4);
  std::vector<std::byte> out(storage_bytes(DType::kQ4_0, 9 * 32));
  w[8 * 32 + 5] = INFINITY;
  expect_error(by.encode(DType::kQ4_0, w, 40, out.data()), ErrorCode::kCorrupt, "row 48", "element 5 is inf");
}

}  // namespace
}  // namespace adder
