#pragma once

#include <type_traits>

#include "run/kernels/x86/q8/product.h"

namespace adder::ADDER_LEVEL {
namespace {

constexpr int kGroups = 4, kPanelBlocks = 16;

struct Nothing {};
struct Bias {
  __m256 value;
};
struct Halves {
  __m256i m[2], offsets;
};

/// 32 rows, four groups of eight, and up to kPanelBlocks blocks of 32 columns, unpacked once for many tokens: lane r
/// holds row r of a group, four columns at a time. Without halves it stays in the first-level cache (20 KB).
template <class Format>
struct Panel {
  struct Block {
    __m256i levels[8];
    __m256 d;
    [[no_unique_address]] std::conditional_t<Format::kBias, Bias, Nothing> bias;
    [[no_unique_address]] std::conditional_t<Format::kHalves, Halves, Nothing> halves;
  };
  Block blocks[kPanelBlocks][kGroups];
  int n_blocks = 0;

  /// The next n storage blocks of the rows of one group.
  void unpack(int group, Rows rows, int n) {
    n_blocks = 0;
    const uint8_t* at[8];
    for (int r = 0; r < 8; ++r) at[r] = rows[r];
    for (int i = 0; i < n; ++i) {
      Scales s;
      Format::scales(at, s);
      push<0>(group, at, s);
      if constexpr (Format::kBlocks == 8) {
        push<1>(group, at, s);
        push<2>(group, at, s);
        push<3>(group, at, s);
        push<4>(group, at, s);
        push<5>(group, at, s);
        push<6>(group, at, s);
        push<7>(group, at, s);
      }
      for (const uint8_t*& row : at) row += Format::kBytes;
    }
  }

 private:
  template <int j>
  void push(int group, Rows at, const Scales& s) {
    Block& b = blocks[n_blocks++][group];
    for (int r = 0; r < 8; ++r) b.levels[r] = Format::template levels<j>(at[r]);
    transpose_8x8(b.levels);
    b.d = s.d[j];
    if constexpr (Format::kBias) b.bias.value = s.bias[j];
    if constexpr (Format::kHalves) {
      for (int half = 0; half < 2; ++half) b.halves.m[half] = twice(s.pairs[j], half);
      b.halves.offsets = offset_pairs<Format>(s.pairs[j]);
    }
  }
};

/// Products that may be added up in sixteen bits, by the largest level: eight of 15 * 127 * 2, four of 31 * 127 * 2,
/// two of 63 * 127 * 2, one with a sign.
template <class Format>
constexpr int kSteps = Format::kSigned         ? 1
                       : Format::kLevels == 16 ? 8
                       : Format::kLevels == 32 ? 4
                                               : 2;

/// Sums of one block for one token and every group, before the offset.
template <class Format>
inline void block_sums(const typename Panel<Format>::Block (&w)[kGroups], const Q8Block& x, __m256i (&sums)[kGroups]) {
  for (int column = 0; column < 8; column += kSteps<Format>) {
    __m256i pairs[kGroups];
    for (int i = 0; i < kSteps<Format>; ++i) {
      const __m256i four = broadcast_4(x.q + 4 * (column + i));
      for (int g = 0; g < kGroups; ++g) {
        const __m256i p = products<Format>(w[g].levels[column + i], four);
        pairs[g] = i == 0 ? p : _mm256_add_epi16(pairs[g], p);
      }
    }
    for (int g = 0; g < kGroups; ++g) {
      __m256i m = pairs_constant(1);
      if constexpr (Format::kHalves) m = w[g].halves.m[column / 4];
      const __m256i s = _mm256_madd_epi16(pairs[g], m);
      sums[g] = column == 0 ? s : _mm256_add_epi32(sums[g], s);
    }
  }
}

/// acc, 8 * kGroups outputs of one token, goes on over one part of block b of the panel.
template <class Format>
inline void one_part(const Panel<Format>& panel, int b, const Q8Block& x, __m256 (&acc)[kGroups]) {
  const auto& w = panel.blocks[b];
  __m256i sums[kGroups];
  block_sums<Format>(w, x, sums);
  for (int g = 0; g < kGroups; ++g) {
    if constexpr (Format::kHalves) {
      sums[g] = _mm256_add_epi32(sums[g], _mm256_madd_epi16(broadcast_4(x.half_sums), w[g].halves.offsets));
    } else if constexpr (Format::kOffset != 0) {
      sums[g] = _mm256_add_epi32(sums[g], offset<Format>(x));
    }
    acc[g] = accumulate(acc[g], sums[g], x, w[g].d);
    if constexpr (Format::kBias) acc[g] = add_bias(acc[g], x, w[g].bias.value);
  }
}

/// The same over all of its blocks and their parts.
template <class Format>
inline void tile(const Panel<Format>& panel, const Q8Block* x, int64_t parts, float* acc) {
  __m256 a[kGroups];
  for (int g = 0; g < kGroups; ++g) a[g] = _mm256_load_ps(acc + 8 * g);
  const int64_t n = panel.n_blocks * parts;
  if (parts == 1) {
    for (int64_t i = 0; i < n; ++i) one_part(panel, static_cast<int>(i), x[i], a);
  } else {
    for (int64_t i = 0; i < n; ++i) one_part(panel, static_cast<int>(i / parts), x[i], a);
  }
  for (int g = 0; g < kGroups; ++g) _mm256_store_ps(acc + 8 * g, a[g]);
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
