#pragma once

#include <type_traits>

#include "run/kernels/x86/bodies/lanes.h"
#include "run/kernels/x86/flat.h"
#include "run/kernels/x86/q8/product.h"

namespace adder::ADDER_LEVEL {
namespace {

constexpr int kHalfGroups = 4, kPanelBlocks = 16;

struct Nothing {};
struct Bias {
  __m256 value;
};
struct Halves {
  __m256i m[2], offsets;
};

/// Two groups of sixteen rows, as four of eight, and up to kPanelBlocks blocks of 32 columns, unpacked once for many
/// tokens: lane r holds row r of its eight, four columns at a time. Without halves it stays in the first-level cache
/// (20 KB).
template <class Format>
struct Panel {
  struct Block {
    __m256i levels[8];
    __m256 d;
    [[no_unique_address]] std::conditional_t<Format::kBias, Bias, Nothing> bias;
    [[no_unique_address]] std::conditional_t<Format::kHalves, Halves, Nothing> halves;
  };
  Block blocks[kPanelBlocks][kHalfGroups];
  int n_blocks = 0;

  /// n units of one group of sixteen rows.
  void unpack(int group, const uint8_t* unit, int64_t n) {
    n_blocks = 0;
    for (int64_t i = 0; i < n; ++i, unit += kUnitBytes<Format>) {
      for (int j = 0; j < Format::kBlocks; ++j, ++n_blocks) {
        const uint8_t* const block = unit + Format::kHeader + j * kBlockBytes<Format>;
        for (int half = 0; half < 2; ++half) put(blocks[n_blocks][2 * group + half], unit, block, half);
      }
    }
  }

 private:
  static void put(Block& b, const uint8_t* unit, const uint8_t* block, int half) {
    const uint8_t* const q = block + Format::kScales + 32 * half;
    b.levels[0] = levels<Format, 0>(q);
    b.levels[1] = levels<Format, 1>(q);
    b.levels[2] = levels<Format, 2>(q);
    b.levels[3] = levels<Format, 3>(q);
    b.levels[4] = levels<Format, 4>(q);
    b.levels[5] = levels<Format, 5>(q);
    b.levels[6] = levels<Format, 6>(q);
    b.levels[7] = levels<Format, 7>(q);
    const Scales s = scales<Format>(unit, block, half);
    b.d = s.d;
    if constexpr (Format::kBias) b.bias.value = s.bias;
    if constexpr (Format::kHalves) {
      for (int i = 0; i < 2; ++i) b.halves.m[i] = twice(s.pairs, i);
      b.halves.offsets = offset_pairs<Format>(s.pairs);
    }
  }
};

/// Sums of one block for one token and every eight rows, before the offset.
template <class Format>
inline void block_sums(const typename Panel<Format>::Block (&w)[kHalfGroups], const Q8Block& x,
                       __m256i (&sums)[kHalfGroups]) {
  for (int column = 0; column < 8; column += kSteps<Format>) {
    __m256i pairs[kHalfGroups];
    for (int i = 0; i < kSteps<Format>; ++i) {
      const __m256i four = broadcast_4(x.q + 4 * (column + i));
      for (int g = 0; g < kHalfGroups; ++g) {
        const __m256i p = products<Format>(w[g].levels[column + i], four);
        pairs[g] = i == 0 ? p : _mm256_add_epi16(pairs[g], p);
      }
    }
    for (int g = 0; g < kHalfGroups; ++g) {
      __m256i m = pairs_constant(1);
      if constexpr (Format::kHalves) m = w[g].halves.m[column / 4];
      const __m256i s = _mm256_madd_epi16(pairs[g], m);
      sums[g] = column == 0 ? s : _mm256_add_epi32(sums[g], s);
    }
  }
}

/// acc, 8 * kHalfGroups outputs of one token, goes on over one part of block b of the panel.
template <class Format>
inline void one_part(const Panel<Format>& panel, int b, const Q8Block& x, __m256 (&acc)[kHalfGroups]) {
  const auto& w = panel.blocks[b];
  __m256i sums[kHalfGroups];
  block_sums<Format>(w, x, sums);
  for (int g = 0; g < kHalfGroups; ++g) {
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
  __m256 a[kHalfGroups];
  for (int g = 0; g < kHalfGroups; ++g) a[g] = _mm256_load_ps(acc + 8 * g);
  const int64_t n = panel.n_blocks * parts;
  if (parts == 1) {
    for (int64_t i = 0; i < n; ++i) one_part(panel, static_cast<int>(i), x[i], a);
  } else {
    for (int64_t i = 0; i < n; ++i) one_part(panel, static_cast<int>(i / parts), x[i], a);
  }
  for (int g = 0; g < kHalfGroups; ++g) _mm256_store_ps(acc + 8 * g, a[g]);
}

/// Tokens whose sums are kept while the panels of some rows go by: 16 KB.
constexpr int64_t kQ8Tokens = 128;

/// y for any number of tokens.
template <class Format>
void by_panels(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  constexpr int kRows = 8 * kHalfGroups;
  alignas(32) float sums[kQ8Tokens * kRows];
  Panel<Format> panel;
  const int64_t last_group = (a.n_rows - 1) / kGroupRows;
  for (int64_t t0 = 0; t0 < a.n_tokens; t0 += kQ8Tokens) {
    const int64_t n_tokens = smaller(kQ8Tokens, a.n_tokens - t0);
    for (int64_t r = begin / kGroupRows * kGroupRows; r < end; r += kRows) {
      const uint8_t* groups[2];  // past the end: the last one again
      for (int i = 0; i < 2; ++i) groups[i] = a.w + smaller(r / kGroupRows + i, last_group) * a.group_bytes;
      for (int64_t i = 0; i < n_tokens * kRows; ++i) sums[i] = 0.0f;
      for (int64_t b = 0; b < a.n_blocks; b += panel.n_blocks) {
        const int64_t n = smaller(kPanelBlocks, a.n_blocks - b) / Format::kBlocks;
        for (int i = 0; i < 2; ++i) {
          panel.unpack(i, groups[i], n);
          groups[i] += n * kUnitBytes<Format>;
        }
        const Q8Block* x = a.x + (t0 * a.n_blocks + b) * a.parts;
        for (int64_t t = 0; t < n_tokens; ++t, x += a.n_blocks * a.parts) tile(panel, x, a.parts, sums + kRows * t);
      }
      const int64_t first = r < begin ? begin : r, last = smaller(r + kRows, end);
      for (int64_t t = 0; t < n_tokens; ++t) {
        for (int64_t i = first; i < last; ++i) a.y[(t0 + t) * a.n_rows + i] = sums[kRows * t + i - r];
      }
    }
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
