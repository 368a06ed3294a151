#include "make/calib/row_rounding.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"
#include "core/base/testing/expect_error.h"
#include "core/quant/codec.h"

namespace adder {
namespace {

using testing::expect_error;

TensorSpec spec_of(const std::string& name) {
  return {.role = Role::kUp, .shape = {8, 64}, .gguf_name = name, .is_matrix = true};
}

/// Matrix "both" with a Gram matrix, "sums" with importance alone.
Imatrix with_and_without_gram() {
  Imatrix imatrix;
  imatrix.entries["both"] = imatrix.entries["sums"] = {std::vector<float>(64, 3.0f), {1}};
  Gram& gram = imatrix.grams["both"] = empty_gram(64, 256);
  for (size_t i = 0; i < 64; ++i)
    for (size_t j = 0; j < 64; ++j) gram.values[i * 64 + j] = i == j ? 3.0f : 2.5f;
  return imatrix;
}

std::vector<std::byte> encoded(const RowRounding& rounding, DType type, const std::vector<float>& rows) {
  std::vector<std::byte> out(storage_bytes(type, static_cast<int64_t>(rows.size())));
  EXPECT_TRUE(rounding.encode(type, rows, 0, out.data()));
  return out;
}

TEST(RowRounding, KnowsWhatTheImatrixKnows) {
  const Imatrix imatrix = with_and_without_gram();
  const RowRounding both = row_rounding(&imatrix, spec_of("both")).value();
  const RowRounding sums = row_rounding(&imatrix, spec_of("sums")).value();
  const RowRounding none = row_rounding(&imatrix, spec_of("none")).value();
  EXPECT_NE(both.compensation, nullptr);
  EXPECT_EQ(sums.compensation, nullptr);
  EXPECT_EQ(sums.importance, std::vector<float>(64, 3.0f));
  EXPECT_TRUE(none.importance.empty());
  EXPECT_TRUE(row_rounding(nullptr, spec_of("both")).value().importance.empty());

  const std::vector<float> ones(64, 1.0f);
  EXPECT_DOUBLE_EQ(none.squared(ones), 64);
  EXPECT_DOUBLE_EQ(sums.squared(ones), 3 * 64);
  EXPECT_NEAR(both.squared(ones), 64 * 3.03 + 64 * 63 * 2.5, 0.1) << "damping adds 0.03 to each of the diagonal";
}

TEST(RowRounding, CompensatesWhereThereAreLevelsToChoose) {
  const Imatrix imatrix = with_and_without_gram();
  const RowRounding both = row_rounding(&imatrix, spec_of("both")).value();
  const RowRounding sums = row_rounding(&imatrix, spec_of("sums")).value();
  Rng rng(3);
  std::vector<float> rows(11 * 64);
  for (float& x : rows) x = rng.normal();
  EXPECT_NE(encoded(both, DType::kQ4_0, rows), encoded(sums, DType::kQ4_0, rows));
  EXPECT_EQ(encoded(both, DType::kQ8_0, rows), encoded(sums, DType::kQ8_0, rows));
  EXPECT_EQ(encoded(both, DType::kF16, rows), encoded(sums, DType::kF16, rows));

  std::vector<std::byte> one(storage_bytes(DType::kQ4_0, 64)), all = encoded(sums, DType::kQ4_0, rows);
  ASSERT_TRUE(encode(DType::kQ4_0, std::span(rows).last(64), sums.importance, one.data()));
  EXPECT_TRUE(std::equal(one.begin(), one.end(), all.end() - static_cast<std::ptrdiff_t>(one.size())));
}

TEST(RowRounding, ErrorsNameRowAndMatrix) {
  Imatrix imatrix = with_and_without_gram();
  std::vector<float> rows(3 * 64, 1.0f);
  rows[64 + 9] = 1e9f;
  std::vector<std::byte> out(storage_bytes(DType::kQ4_0, 3 * 64));
  for (const char* const name : {"both", "sums"}) {
    const RowRounding rounding = row_rounding(&imatrix, spec_of(name)).value();
    expect_error(rounding.encode(DType::kQ4_0, rows, 16, out.data()), ErrorCode::kCorrupt, "row 17", "element 9");
  }
  imatrix.grams["both"].values[1] = 100;
  expect_error(row_rounding(&imatrix, spec_of("both")), ErrorCode::kCorrupt, "both", "mean products");
  imatrix.entries["both"].sums.pop_back();
  expect_error(row_rounding(&imatrix, spec_of("both")), ErrorCode::kUsage, "64 columns");
}

}  // namespace
}  // namespace adder
