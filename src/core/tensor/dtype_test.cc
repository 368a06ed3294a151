#include "core/tensor/dtype.h"

#include <gtest/gtest.h>

#include <set>

namespace adder {
namespace {

TEST(DTypeTable, IsConsistent) {
  std::set<std::string_view> names, safetensors;
  std::set<int> ggml;
  for (const DTypeInfo& row : all_dtypes()) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(&info(row.dtype), &row) << "rows are in the order of the enum";
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_EQ(dtype_from_name(row.name), row.dtype);
    EXPECT_GT(row.block_bytes, 0);
    EXPECT_TRUE(row.block_size == 1 || row.block_size == 32 || row.block_size == 256);
    EXPECT_EQ(row.safetensors.empty(), row.block_size > 1) << "safetensors has plain numbers only";
    if (row.ggml_type >= 0) {
      EXPECT_TRUE(ggml.insert(row.ggml_type).second);
      EXPECT_EQ(dtype_from_ggml(static_cast<uint32_t>(row.ggml_type)), row.dtype);
      EXPECT_EQ(ggml_type_name(static_cast<uint32_t>(row.ggml_type)), row.name);
    }
    if (!row.safetensors.empty()) {
      EXPECT_TRUE(safetensors.insert(row.safetensors).second);
      EXPECT_EQ(dtype_from_safetensors(row.safetensors), row.dtype);
    }
  }
}

/// Type ids and sizes as the GGUF specification and ggml's blocks define them.
TEST(DTypeTable, HasGgmlsNumbers) {
  struct Row {
    DType dtype;
    int ggml, size, bytes;
  };
  const Row rows[] = {{DType::kF32, 0, 1, 4},       {DType::kF16, 1, 1, 2},       {DType::kBF16, 30, 1, 2},
                      {DType::kQ4_0, 2, 32, 18},    {DType::kQ4_1, 3, 32, 20},    {DType::kQ5_0, 6, 32, 22},
                      {DType::kQ5_1, 7, 32, 24},    {DType::kQ8_0, 8, 32, 34},    {DType::kQ2_K, 10, 256, 84},
                      {DType::kQ3_K, 11, 256, 110}, {DType::kQ4_K, 12, 256, 144}, {DType::kQ5_K, 13, 256, 176},
                      {DType::kQ6_K, 14, 256, 210}, {DType::kIQ4_NL, 20, 32, 18}, {DType::kIQ4_XS, 23, 256, 136},
                      {DType::kI8, 24, 1, 1},       {DType::kI16, 25, 1, 2},      {DType::kI32, 26, 1, 4},
                      {DType::kI64, 27, 1, 8},      {DType::kF64, 28, 1, 8},      {DType::kF8E4M3, -1, 1, 1},
                      {DType::kU8, -1, 1, 1},       {DType::kU16, -1, 1, 2},      {DType::kU32, -1, 1, 4},
                      {DType::kU64, -1, 1, 8},      {DType::kBool, -1, 1, 1},     {DType::kF8E5M2, -1, 1, 1},
                      {DType::kF8E8M0, -1, 1, 1}};
  EXPECT_EQ(std::size(rows), all_dtypes().size());
  for (const auto& [dtype, ggml, size, bytes] : rows) {
    EXPECT_EQ(info(dtype).ggml_type, ggml) << name(dtype);
    EXPECT_EQ(info(dtype).block_size, size) << name(dtype);
    EXPECT_EQ(info(dtype).block_bytes, bytes) << name(dtype);
  }
}

TEST(DTypeTable, LooksUpNames) {
  EXPECT_EQ(dtype_from_name("q4_k"), DType::kQ4_K);
  EXPECT_EQ(dtype_from_name("bf16"), DType::kBF16);
  EXPECT_EQ(dtype_from_name("Q4_"), std::nullopt);
  EXPECT_EQ(dtype_from_name("Q4_KM"), std::nullopt);
  EXPECT_EQ(dtype_from_name(""), std::nullopt);
  EXPECT_EQ(dtype_from_safetensors("F8_E4M3"), DType::kF8E4M3);
  EXPECT_EQ(dtype_from_safetensors(""), std::nullopt) << "block types have no name there";
  EXPECT_EQ(dtype_from_safetensors("f32"), std::nullopt) << "safetensors names are exact";
  EXPECT_EQ(dtype_from_ggml(9), std::nullopt);
  EXPECT_EQ(dtype_from_ggml(0xffffffff), std::nullopt);
}

TEST(DTypeTable, NamesForeignTypes) {
  EXPECT_EQ(ggml_type_name(9), "Q8_1");
  EXPECT_EQ(ggml_type_name(15), "Q8_K");
  EXPECT_EQ(ggml_type_name(28), "F64");
  EXPECT_EQ(ggml_type_name(39), "MXFP4");
  EXPECT_EQ(ggml_type_name(40), "NVFP4");
  EXPECT_EQ(ggml_type_name(41), "unknown");
  EXPECT_EQ(ggml_type_name(0xffffffff), "unknown");
}

TEST(StorageBytes, CountsBlocks) {
  EXPECT_EQ(storage_bytes(DType::kQ4_K, 0), 0u);
  EXPECT_EQ(storage_bytes(DType::kQ4_K, 512), 288u);
  EXPECT_EQ(storage_bytes(DType::kBF16, 3), 6u);
  EXPECT_EQ(storage_bytes(DType::kQ5_0, int64_t{131072} * 3136), 282591232u);
}

}  // namespace
}  // namespace adder
