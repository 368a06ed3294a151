#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>

#include "core/base/check.h"
#include "core/base/half.h"
#include "core/quant/blocks.h"
#include "core/quant/search.h"
#include "core/tensor/dtype.h"

namespace adder {

/// x is a whole row; importance is empty or as `conditioned` in codec.cc makes it.
using EncodeRow = void (*)(const Searches& searches, std::span<const float> x, std::span<const float> importance,
                           std::byte* out);

/// What the codec knows about one format. Each family's file fills in its own rows.
struct Format {
  DType dtype;
  void (*decode)(const std::byte* blocks, std::span<float> out) = nullptr;
  EncodeRow encode = nullptr;
  /// Index of the first of n elements that is not finite, n if there is none.
  int64_t (*find_non_finite)(const std::byte* blocks, int64_t n) = nullptr;
};

std::span<const Format> float_formats();         // float_formats.cc
std::span<const Format> legacy_formats();        // legacy.cc: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0
std::span<const Format> scale_min_formats();     // k_scale_min.cc: Q2_K, Q4_K, Q5_K
std::span<const Format> signed_scale_formats();  // k_signed_scale.cc: Q3_K, Q6_K
std::span<const Format> iq4_formats();           // iq4.cc: IQ4_NL, IQ4_XS

inline bool half_is_finite(uint16_t h) {
  return (h & 0x7c00u) != 0x7c00u;
}

template <class Block>
Block load_block(const std::byte* from) {
  Block block;
  std::memcpy(&block, from, sizeof block);
  return block;
}

/// Levels are small integers and half scales at most 65504, so a block is finite exactly when its half fields are;
/// a bad field spoils every element of the block (0 times infinity is NaN too).
template <class Block, size_t kSize>
int64_t find_non_finite_block(const std::byte* blocks, int64_t n) {
  for (int64_t i = 0; i < n; i += static_cast<int64_t>(kSize), blocks += sizeof(Block)) {
    const Block block = load_block<Block>(blocks);
    bool finite = half_is_finite(block.d);
    if constexpr (requires { block.m; }) finite = finite && half_is_finite(block.m);
    if constexpr (requires { block.dmin; }) finite = finite && half_is_finite(block.dmin);
    if (!finite) return i;
  }
  return n;
}

}  // namespace adder
