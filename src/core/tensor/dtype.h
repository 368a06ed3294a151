#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/check.h"

namespace adder {

/// Every way a tensor's numbers can be stored. Adding one: a row in dtype.cc, a codec in core/quant. From kI8 on there
/// is no codec: files may hold such tensors beside a model's weights, which are of the types before.
// clang-format off
enum class DType : uint8_t {
  kF32, kF16, kBF16, kF8E4M3,
  kQ4_0, kQ4_1, kQ5_0, kQ5_1, kQ8_0,
  kQ2_K, kQ3_K, kQ4_K, kQ5_K, kQ6_K,
  kIQ4_NL, kIQ4_XS,
  kI8, kI16, kI32, kI64,
  kU8, kU16, kU32, kU64, kBool,
  kF64, kF8E5M2, kF8E8M0,
};
// clang-format on

/// One row of the table. A row of a tensor is stored as blocks of `block_size` elements, `block_bytes` each.
struct DTypeInfo {
  DType dtype;
  std::string_view name;  ///< as people write it: "F32", "Q4_K"
  int block_size;
  int block_bytes;
  int ggml_type;                 ///< id in GGUF, -1 when GGUF has none
  std::string_view safetensors;  ///< name in a safetensors header, "" when it has none
};

const DTypeInfo& info(DType dtype);
std::span<const DTypeInfo> all_dtypes();

inline std::string_view name(DType dtype) {
  return info(dtype).name;
}
std::optional<DType> dtype_from_name(std::string_view name);  ///< case-insensitive
std::optional<DType> dtype_from_ggml(uint32_t ggml_type);
std::optional<DType> dtype_from_safetensors(std::string_view name);

/// The name ggml gives a type id, known to adder or not, so that a refusal can say what was found.
std::string_view ggml_type_name(uint32_t ggml_type);

/// Bytes of n consecutive elements; n must be a multiple of the block size.
inline size_t storage_bytes(DType dtype, int64_t n) {
  const DTypeInfo& i = info(dtype);
  DCHECK(n >= 0 && n % i.block_size == 0);
  return static_cast<size_t>(n / i.block_size) * static_cast<size_t>(i.block_bytes);
}

}  // namespace adder
