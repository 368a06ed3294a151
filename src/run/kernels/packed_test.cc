#include "run/kernels/packed.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"
#include "run/kernels/ops_cases.h"

namespace adder {
namespace {

// What the layout *means* is held elsewhere: Accuracy.LinearQ8 compares products of packed matrices with `decode`.

TEST(Packed, IsAsLargeAsTheFileButForWiderScales) {
  for (const DType dtype : q8_dtypes()) {
    const int64_t block = info(dtype).block_size;
    const PackedMatrix w{dtype, 48, 3 * block, nullptr};
    const auto stored = static_cast<int64_t>(storage_bytes(dtype, 48 * 3 * block));
    const bool is_wider = dtype == DType::kQ4_K || dtype == DType::kQ5_K;
    EXPECT_EQ(w.bytes(), stored + (is_wider ? 4 * 48 * 3 : 0)) << name(dtype);  // 16 bytes of scales, not 12
    EXPECT_EQ(w.group_bytes() % 32, 0) << name(dtype);
  }
}

TEST(Packed, OnlyTypesWithIntegerProducts) {
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16, DType::kF8E4M3, DType::kQ2_K, DType::kIQ4_XS})
    EXPECT_EQ(packed_format(dtype), nullptr) << name(dtype);
}

TEST(Packed, LevelsOfQ8_0LieByRowsOfFourColumns) {
  Rng rng(5);
  const LinearQ8Case c(rng, DType::kQ8_0, 20, 64, 1);
  for (int64_t r = 0; r < 20; ++r) {
    for (int64_t k = 0; k < 64; ++k) {
      const std::byte stored = c.view.row(r)[k / 32 * 34 + 2 + k % 32];
      const std::byte* const unit = c.matrix.data + r / 16 * c.matrix.group_bytes() + k / 32 * 544;
      ASSERT_EQ(unit[32 + k % 32 / 4 * 64 + r % 16 * 4 + k % 4], stored) << r << ", " << k;
    }
  }
}

TEST(Packed, MissingRowsAreZeros) {
  Rng rng(6);
  for (const DType dtype : q8_dtypes()) {
    const int64_t cols = info(dtype).block_size;
    const LinearQ8Case c(rng, dtype, 17, cols, 1);
    const std::byte* const unit = c.matrix.data + c.matrix.group_bytes();
    for (int64_t r = 1; r < 16; ++r) {
      EXPECT_EQ(unit[2 * r], std::byte{0}) << name(dtype);
      EXPECT_EQ(unit[2 * r + 1], std::byte{0}) << name(dtype);
    }
  }
}

TEST(Packed, PiecesMakeTheWhole) {
  Rng rng(7);
  for (const DType dtype : q8_dtypes()) {
    LinearQ8Case c(rng, dtype, 70, 512, 1);
    const auto whole = std::vector<std::byte>(c.matrix.data, c.matrix.data + c.matrix.bytes());
    std::byte* const out = c.packed.front().bytes;
    std::fill_n(out, c.matrix.bytes(), std::byte{0x5a});
    for (const auto& [begin, end] : {std::pair{3, 5}, {0, 1}, {1, 3}}) pack_groups(c.view, out, begin, end);
    EXPECT_TRUE(std::equal(whole.begin(), whole.end(), out)) << name(dtype);
  }
}

}  // namespace
}  // namespace adder
