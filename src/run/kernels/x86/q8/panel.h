#pragma once

#include "run/kernels/x86/q8/product.h"

namespace adder::ADDER_LEVEL {
namespace {

/// Eight rows and up to kMost blocks of 32, unpacked once for many tokens: lane r holds row r, four columns at a time.
/// It stays in the first-level cache (6 KB).
template <class Format>
struct Panel {
  static constexpr int kMost = 16;

  __m256i levels[kMost][8];  ///< absolute values and, for the tile to restore, `signs` when signed
  __m256 d[kMost], bias[kMost];
  __m256i m[kMost][2], offsets[kMost];
  int n_blocks = 0;

  /// The next n storage blocks of each row.
  void unpack(Rows rows, int n) {
    n_blocks = 0;
    const uint8_t* at[8];
    for (int r = 0; r < 8; ++r) at[r] = rows[r];
    for (int i = 0; i < n; ++i) {
      Scales s;
      Format::scales(at, s);
      push<0>(at, s);
      if constexpr (Format::kBlocks == 8) {
        push<1>(at, s);
        push<2>(at, s);
        push<3>(at, s);
        push<4>(at, s);
        push<5>(at, s);
        push<6>(at, s);
        push<7>(at, s);
      }
      for (const uint8_t*& row : at) row += Format::kBytes;
    }
  }

 private:
  template <int j>
  void push(Rows at, const Scales& s) {
    __m256i(&q)[8] = levels[n_blocks];
    for (int r = 0; r < 8; ++r) q[r] = Format::template levels<j>(at[r]);
    transpose_8x8(q);
    d[n_blocks] = s.d[j];
    if constexpr (Format::kBias) bias[n_blocks] = s.bias[j];
    if constexpr (Format::kHalves) {
      for (int half = 0; half < 2; ++half) m[n_blocks][half] = twice(s.pairs[j], half);
      offsets[n_blocks] = _mm256_mullo_epi16(s.pairs[j], pairs_constant(-Format::kOffset));
    }
    ++n_blocks;
  }
};

/// The sums of one block for T tokens, before the offset. Sums of pairs may stay in 16 bits over the columns
/// `products` leaves room for: four of 31 * 127 * 2, two of 63 * 127 * 2, one with a sign.
template <class Format, int T>
inline void block_sums(const Panel<Format>& panel, int b, const Q8Block* const (&x)[T], __m256i (&sums)[T]) {
  constexpr int kStep = Format::kSigned ? 1 : Format::kHalves ? 2 : 4;
  for (int column = 0; column < 8; column += kStep) {
    __m256i pairs[T];
    for (int i = 0; i < kStep; ++i) {
      const __m256i w = panel.levels[b][column + i];
      for (int t = 0; t < T; ++t) {
        const __m256i p = products<Format>(w, broadcast_4(x[t][b].q + 4 * (column + i)));
        pairs[t] = i == 0 ? p : _mm256_add_epi16(pairs[t], p);
      }
    }
    const __m256i m = Format::kHalves ? panel.m[b][column / 4] : pairs_constant(1);
    for (int t = 0; t < T; ++t) {
      const __m256i s = _mm256_madd_epi16(pairs[t], m);
      sums[t] = column == 0 ? s : _mm256_add_epi32(sums[t], s);
    }
  }
}

/// acc[t] goes on over the blocks of the panel.
template <class Format, int T>
inline void tile(const Panel<Format>& panel, const Q8Block* first, int64_t stride, float* acc) {
  const Q8Block* x[T];
  __m256 a[T];
  for (int t = 0; t < T; ++t) {
    x[t] = first + t * stride;
    a[t] = _mm256_load_ps(acc + 8 * t);
  }
  for (int b = 0; b < panel.n_blocks; ++b) {
    __m256i sums[T];
    block_sums<Format, T>(panel, b, x, sums);
    for (int t = 0; t < T; ++t) {
      if constexpr (Format::kOffset != 0) {
        const __m256i off = Format::kHalves ? panel.offsets[b] : pairs_constant(-Format::kOffset);
        sums[t] = _mm256_add_epi32(sums[t], _mm256_madd_epi16(broadcast_4(x[t][b].half_sums), off));
      }
      a[t] = accumulate<Format>(a[t], sums[t], x[t][b], panel.d[b], panel.bias[b]);
    }
  }
  for (int t = 0; t < T; ++t) _mm256_store_ps(acc + 8 * t, a[t]);
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
