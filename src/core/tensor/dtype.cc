#include "core/tensor/dtype.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace adder {
namespace {

// clang-format off
constexpr std::array<DTypeInfo, 28> kTable = {{
    {DType::kF32,     "F32",      1,   4,  0, "F32"},
    {DType::kF16,     "F16",      1,   2,  1, "F16"},
    {DType::kBF16,    "BF16",     1,   2, 30, "BF16"},
    {DType::kF8E4M3,  "F8_E4M3",  1,   1, -1, "F8_E4M3"},
    {DType::kQ4_0,    "Q4_0",    32,  18,  2, ""},
    {DType::kQ4_1,    "Q4_1",    32,  20,  3, ""},
    {DType::kQ5_0,    "Q5_0",    32,  22,  6, ""},
    {DType::kQ5_1,    "Q5_1",    32,  24,  7, ""},
    {DType::kQ8_0,    "Q8_0",    32,  34,  8, ""},
    {DType::kQ2_K,    "Q2_K",   256,  84, 10, ""},
    {DType::kQ3_K,    "Q3_K",   256, 110, 11, ""},
    {DType::kQ4_K,    "Q4_K",   256, 144, 12, ""},
    {DType::kQ5_K,    "Q5_K",   256, 176, 13, ""},
    {DType::kQ6_K,    "Q6_K",   256, 210, 14, ""},
    {DType::kIQ4_NL,  "IQ4_NL",  32,  18, 20, ""},
    {DType::kIQ4_XS,  "IQ4_XS", 256, 136, 23, ""},
    {DType::kI8,      "I8",       1,   1, 24, "I8"},
    {DType::kI16,     "I16",      1,   2, 25, "I16"},
    {DType::kI32,     "I32",      1,   4, 26, "I32"},
    {DType::kI64,     "I64",      1,   8, 27, "I64"},
    {DType::kU8,      "U8",       1,   1, -1, "U8"},
    {DType::kU16,     "U16",      1,   2, -1, "U16"},
    {DType::kU32,     "U32",      1,   4, -1, "U32"},
    {DType::kU64,     "U64",      1,   8, -1, "U64"},
    {DType::kBool,    "BOOL",     1,   1, -1, "BOOL"},
    {DType::kF64,     "F64",      1,   8, 28, "F64"},
    {DType::kF8E5M2,  "F8_E5M2",  1,   1, -1, "F8_E5M2"},
    {DType::kF8E8M0,  "F8_E8M0",  1,   1, -1, "F8_E8M0"},
}};

constexpr std::array<std::string_view, 41> kGgmlNames = {
    "F32", "F16", "Q4_0", "Q4_1", "Q4_2 (removed)", "Q4_3 (removed)", "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K", "Q3_K",
    "Q4_K", "Q5_K", "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS",
    "I8", "I16", "I32", "I64", "F64", "IQ1_M", "BF16", "Q4_0_4_4 (removed)", "Q4_0_4_8 (removed)",
    "Q4_0_8_8 (removed)", "TQ1_0", "TQ2_0", "IQ4_NL_4_4 (removed)", "IQ4_NL_4_8 (removed)", "IQ4_NL_8_8 (removed)",
    "MXFP4", "NVFP4"};
// clang-format on

template <class Predicate>
std::optional<DType> find(Predicate predicate) {
  const auto row = std::ranges::find_if(kTable, predicate);
  return row == kTable.end() ? std::nullopt : std::optional(row->dtype);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

const DTypeInfo& info(DType dtype) {
  return kTable[static_cast<size_t>(dtype)];
}
std::span<const DTypeInfo> all_dtypes() {
  return kTable;
}

std::optional<DType> dtype_from_name(std::string_view name) {
  return find([&](const DTypeInfo& row) { return equal_ignoring_case(row.name, name); });
}
std::optional<DType> dtype_from_ggml(uint32_t ggml_type) {
  return find(
      [&](const DTypeInfo& row) { return row.ggml_type >= 0 && static_cast<uint32_t>(row.ggml_type) == ggml_type; });
}
std::optional<DType> dtype_from_safetensors(std::string_view name) {
  return find([&](const DTypeInfo& row) { return !row.safetensors.empty() && row.safetensors == name; });
}
std::string_view ggml_type_name(uint32_t ggml_type) {
  return ggml_type < kGgmlNames.size() ? kGgmlNames[ggml_type] : "unknown";
}

}  // namespace adder
