#include "core/quant/levels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/base/check.h"
#include "core/quant/blocks.h"
#include "core/quant/codec.h"
#include "core/quant/search.h"

namespace adder {
namespace {

/// Some bits of every element's level: `bits` of element e lie in byte offset + (e / (width n)) width + e mod width,
/// from bit bits ((e / width) mod n) on, where n = 8 / bits elements share a byte.
struct LevelBits {
  size_t offset;
  int bits;
  size_t width;
};

/// The low bits of the levels, then the high ones of types that keep them apart (bits 0: none).
struct LevelLayout {
  DType type;
  LevelBits low, high;
};

// clang-format off
constexpr std::array<LevelLayout, 11> kLayouts = {{
    {DType::kQ4_0,   {offsetof(BlockQ4_0, qs),   4, 16}, {}},
    {DType::kQ4_1,   {offsetof(BlockQ4_1, qs),   4, 16}, {}},
    {DType::kQ5_0,   {offsetof(BlockQ5_0, qs),   4, 16}, {offsetof(BlockQ5_0, qh), 1, 1}},
    {DType::kQ5_1,   {offsetof(BlockQ5_1, qs),   4, 16}, {offsetof(BlockQ5_1, qh), 1, 1}},
    {DType::kQ2_K,   {offsetof(BlockQ2_K, qs),   2, 32}, {}},
    {DType::kQ3_K,   {offsetof(BlockQ3_K, qs),   2, 32}, {offsetof(BlockQ3_K, hmask), 1, 32}},
    {DType::kQ4_K,   {offsetof(BlockQ4_K, qs),   4, 32}, {}},
    {DType::kQ5_K,   {offsetof(BlockQ5_K, qs),   4, 32}, {offsetof(BlockQ5_K, qh), 1, 32}},
    {DType::kQ6_K,   {offsetof(BlockQ6_K, ql),   4, 64}, {offsetof(BlockQ6_K, qh), 2, 32}},
    {DType::kIQ4_NL, {offsetof(BlockIQ4_NL, qs), 4, 16}, {}},
    {DType::kIQ4_XS, {offsetof(BlockIQ4_XS, qs), 4, 16}, {}},
}};
// clang-format on

const LevelLayout* find_layout(DType type) {
  const auto found = std::ranges::find(kLayouts, type, &LevelLayout::type);
  return found == kLayouts.end() ? nullptr : found;
}
const LevelLayout& layout_of(DType type) {
  const LevelLayout* const layout = find_layout(type);
  CHECK(layout != nullptr, "{}", name(type));
  return *layout;
}

bool is_iq4(DType type) {
  return type == DType::kIQ4_NL || type == DType::kIQ4_XS;
}

int top_level(DType type) {
  const LevelLayout& layout = layout_of(type);
  return (1 << (layout.low.bits + layout.high.bits)) - 1;
}

/// `value` has no more than field.bits.
void put(const LevelBits& field, std::byte* block, size_t e, int value) {
  const size_t shared = 8 / static_cast<size_t>(field.bits);
  std::byte& byte = block[field.offset + e / (field.width * shared) * field.width + e % field.width];
  const auto shift = static_cast<int>(e / field.width % shared) * field.bits;
  const int mask = ((1 << field.bits) - 1) << shift;
  byte = static_cast<std::byte>((std::to_integer<int>(byte) & ~mask) | (value << shift));
}

}  // namespace

bool has_levels(DType type) {
  return find_layout(type) != nullptr;
}

int top_position(DType type) {
  return position_of(type, static_cast<uint8_t>(top_level(type)));
}

uint8_t nearest_to_position(DType type, float position) {
  const int top = top_position(type);
  if (!is_iq4(type)) return static_cast<uint8_t>(nearest_level(position, 0, top));
  size_t q = 0;
  while (q + 1 < kIq4Levels.size() && position - 127.0f > 0.5f * static_cast<float>(kIq4Levels[q] + kIq4Levels[q + 1]))
    ++q;
  return static_cast<uint8_t>(q);
}

int position_of(DType type, uint8_t level) {
  return is_iq4(type) ? kIq4Levels[level] + 127 : level;
}

void set_levels(DType type, std::byte* block, std::span<const uint8_t> levels) {
  const LevelLayout& layout = layout_of(type);
  CHECK(levels.size() == static_cast<size_t>(info(type).block_size), "{} levels", levels.size());
  for (size_t e = 0; e < levels.size(); ++e) {
    put(layout.low, block, e, levels[e] & ((1 << layout.low.bits) - 1));
    if (layout.high.bits > 0) put(layout.high, block, e, levels[e] >> layout.low.bits);
  }
}

void level_range(DType type, const std::byte* block, std::span<float> low, std::span<float> step) {
  std::array<std::byte, 256> copy;
  std::array<uint8_t, 256> levels;
  const auto size = static_cast<size_t>(info(type).block_size);
  std::memcpy(copy.data(), block, static_cast<size_t>(info(type).block_bytes));
  const auto decode_all = [&](int level, std::span<float> out) {
    std::fill_n(levels.begin(), size, static_cast<uint8_t>(level));
    set_levels(type, copy.data(), std::span(levels).first(size));
    decode(type, copy.data(), out);
  };
  decode_all(0, low);
  decode_all(top_level(type), step);
  const auto top = static_cast<float>(top_position(type));
  for (size_t e = 0; e < size; ++e) step[e] = (step[e] - low[e]) / top;
}

}  // namespace adder
