#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace adder {

/// Ids of metadata values in GGUF.
enum class GgufType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kText = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

inline constexpr uint32_t kGgufTypes = 13;
inline constexpr std::string_view kGgufMagic = "GGUF";
inline constexpr uint32_t kGgufVersion = 3;
inline constexpr std::string_view kGgufAlignmentKey = "general.alignment";
inline constexpr uint64_t kGgufDefaultAlignment = 32;

/// The format asks for a multiple of 8 and ggml for a power of two; nobody pads by a megabyte.
constexpr bool is_gguf_alignment(uint64_t alignment) {
  return alignment >= 8 && alignment < (uint64_t{1} << 20) && (alignment & (alignment - 1)) == 0;
}

/// "u32", "text", "array"; "unknown" for an id past the table.
constexpr std::string_view gguf_type_name(uint32_t type) {
  constexpr std::string_view kNames[kGgufTypes] = {"u8",   "i8",   "u16",   "i16", "u32", "i32", "f32",
                                                   "bool", "text", "array", "u64", "i64", "f64"};
  return type < kGgufTypes ? kNames[type] : "unknown";
}

/// Fewest bytes a value of this type takes: a text has at least its length, an array its element type and count.
constexpr size_t gguf_min_bytes(GgufType type) {
  constexpr size_t kBytes[kGgufTypes] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
  return kBytes[static_cast<uint32_t>(type)];
}

}  // namespace adder
