#include "make/plan/rounding.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/base/rng.h"
#include "core/base/testing/expect_error.h"
#include "core/quant/codec.h"

namespace adder {
namespace {

Tensor random_matrix(int64_t rows, int64_t columns) {
  Tensor tensor(DType::kF32, {rows, columns});
  Rng rng(3);
  for (float& x : tensor.f32()) x = rng.normal();
  return tensor;
}

RowRounding plain(const Tensor& w) {
  return {.width = w.view().shape.row_length()};
}

TEST(Rounding, IsATripThroughTheCodec) {
  const Tensor w = random_matrix(5, 64);
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    const std::vector<float> values = rounded(w.view(), DType::kQ4_0, plain(w), pool).value();
    std::vector<std::byte> blocks(storage_bytes(DType::kQ4_0, 64));
    std::vector<float> row(64), back(64);
    for (int64_t r = 0; r < 5; ++r) {
      decode(DType::kF32, w.view().row(r), row);
      ASSERT_TRUE(encode(DType::kQ4_0, row, {}, blocks.data()));
      decode(DType::kQ4_0, blocks.data(), back);
      EXPECT_TRUE(std::equal(back.begin(), back.end(), values.begin() + r * 64)) << r;
    }
  }
}

/// A scale of 1: everything is kept but the one element that lies between two levels.
TEST(Rounding, ErrorIsRelativeAndWeighted) {
  ThreadPool pool(1);
  Tensor w(DType::kF32, {1, 32});
  for (float& x : w.f32()) x = -8;  // Q4_0 stores -8 .. 7 times its scale
  w.f32()[0] = 0.25f;               // becomes 0
  EXPECT_NEAR(relative_error(w.view(), DType::kQ4_0, plain(w), pool).value(), 0.0625 / (0.0625 + 31 * 64), 1e-9);
  std::vector<float> importance(32, 1.0f);
  importance[0] = 16;
  EXPECT_NEAR(relative_error(w.view(), DType::kQ4_0, {.width = 32, .importance = importance}, pool).value(),
              1.0 / (1 + 31 * 64), 1e-6);
  for (float& x : w.f32()) x = 0;
  EXPECT_EQ(relative_error(w.view(), DType::kQ4_0, plain(w), pool).value(), 0);
}

TEST(Rounding, ErrorsFallWithTheBits) {
  ThreadPool pool(2);
  const Tensor w = random_matrix(600, 256);  // more rows than are looked at
  double before = 1;
  for (const DType type : {DType::kQ4_0, DType::kQ5_0, DType::kQ6_K, DType::kQ8_0, DType::kF16}) {
    const double error = relative_error(w.view(), type, plain(w), pool).value();
    EXPECT_LT(error, before / 2) << name(type);
    EXPECT_GT(error, 0);
    before = error;
  }
}

TEST(Rounding, NamesABadRow) {
  ThreadPool pool(2);
  Tensor w = random_matrix(4, 32);
  w.f32()[2 * 32 + 5] = std::numeric_limits<float>::infinity();
  testing::expect_error(rounded(w.view(), DType::kQ4_0, plain(w), pool), ErrorCode::kCorrupt, "row 2", "element 5");
}

/// Half of the columns repeat the other half in every input: what one loses the other makes up for.
TEST(Rounding, CompensatesWhereInputsAreKnownToVaryTogether) {
  ThreadPool pool(2);
  Tensor w = random_matrix(20, 64);
  std::vector<float> gram(64 * 64);
  for (size_t i = 0; i < 64; ++i) gram[i * 64 + i] = gram[i * 64 + (i + 32) % 64] = 1;
  const RowRounding by{
      .width = 64, .compensation = std::make_shared<const Compensation>(Compensation::from_gram(gram, 64, 64).value())};
  const auto error_of = [&](const RowRounding& way) {
    const std::vector<float> values = rounded(w.view(), DType::kQ4_0, way, pool).value();
    double error = 0, square = 0;
    for (size_t i = 0; i < values.size(); i += 64) {
      std::vector<float> row(w.f32().begin() + i, w.f32().begin() + i + 64);
      square += by.squared(row);
      for (size_t c = 0; c < 64; ++c) row[c] -= values[i + c];
      error += by.squared(row);
    }
    return error / square;
  };
  EXPECT_NEAR(relative_error(w.view(), DType::kQ4_0, by, pool).value(), error_of(by), 1e-12);
  EXPECT_LT(error_of(by), 0.7 * error_of(plain(w)));
}

}  // namespace
}  // namespace adder
