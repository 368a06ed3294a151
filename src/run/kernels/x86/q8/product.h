#pragma once

#include "run/kernels/ops.h"
#include "run/kernels/x86/q8/formats.h"

namespace adder::ADDER_LEVEL {
namespace {

inline __m256i pairs_constant(int x) {
  return _mm256_set1_epi16(static_cast<int16_t>(x));
}
/// Four bytes, or the two sums of a block, to every lane.
inline __m256i broadcast_4(const void* p) {
  return _mm256_set1_epi32(field<int32_t>(static_cast<const uint8_t*>(p)));
}
/// The low or the high half of every lane, twice.
inline __m256i twice(__m256i pairs, int half) {
  const __m256i low = _mm256_set1_epi32(half ? 0x03020302 : 0x01000100);
  return _mm256_shuffle_epi8(pairs, _mm256_add_epi32(low, _mm256_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c, 0,
                                                                            0x04040404, 0x08080808, 0x0c0c0c0c)));
}

/// Products of 32 bytes in pairs. A pair stays inside 16 bits: 2 * 63 * 127, or 2 * 128 * 127 with a sign.
template <class Format>
inline __m256i products(__m256i levels, __m256i x) {
  if constexpr (Format::kSigned) return _mm256_maddubs_epi16(_mm256_abs_epi8(levels), _mm256_sign_epi8(x, levels));
  return _mm256_maddubs_epi16(levels, x);
}

/// What S lacks when levels stand for q, -kOffset (m_0 half_sums[0] + m_1 half_sums[1]): one number for all rows, or
/// with multipliers a product of pairs.
template <class Format>
inline __m256i offset(const Q8Block& x) {
  return _mm256_madd_epi16(broadcast_4(x.half_sums), pairs_constant(-Format::kOffset));
}
template <class Format>
inline __m256i offset_pairs(__m256i multipliers) {
  return _mm256_mullo_epi16(multipliers, pairs_constant(-Format::kOffset));
}

/// acc after one more block, eight rows.
inline __m256 accumulate(__m256 acc, __m256i s, const Q8Block& x, __m256 d) {
  return _mm256_fmadd_ps(_mm256_mul_ps(d, _mm256_set1_ps(x.scale)), _mm256_cvtepi32_ps(s), acc);
}
inline __m256 add_bias(__m256 acc, const Q8Block& x, __m256 bias) {
  return _mm256_fmadd_ps(bias, _mm256_set1_ps(x.sum), acc);
}

/// Lane r: the sum of v[r].
inline __m256i sum_each(const __m256i (&v)[8]) {
  __m256i pairs[4];  // the two halves of rows i and i + 4 folded, one row in each half
  for (int i = 0; i < 4; ++i) {
    pairs[i] = _mm256_add_epi32(_mm256_permute2x128_si256(v[i], v[i + 4], 0x20),
                                _mm256_permute2x128_si256(v[i], v[i + 4], 0x31));
  }
  __m256i quads[2];
  for (int i = 0; i < 2; ++i) {
    quads[i] = _mm256_add_epi32(_mm256_unpacklo_epi32(pairs[2 * i], pairs[2 * i + 1]),
                                _mm256_unpackhi_epi32(pairs[2 * i], pairs[2 * i + 1]));
  }
  return _mm256_add_epi32(_mm256_unpacklo_epi64(quads[0], quads[1]), _mm256_unpackhi_epi64(quads[0], quads[1]));
}

/// One token, eight rows: weights go from their block straight into the sums.
template <class Format>
struct OneToken {
  const uint8_t* rows[8];
  const Q8Block* x;
  int64_t parts;
  __m256 acc = _mm256_setzero_ps();

  /// Block j of the storage block the rows stand at.
  template <int j>
  void block(const Scales& s) {
    for (int64_t part = 0; part < parts; ++part) one_part<j>(s);
  }

  template <int j>
  void one_part(const Scales& s) {
    const __m256i q = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x->q));
    __m256i v[8];
    for (int r = 0; r < 8; ++r) {
      const __m256i p = products<Format>(Format::template levels<j>(rows[r]), q);
      v[r] = _mm256_madd_epi16(p, Format::kHalves ? halves<j>(rows[r]) : pairs_constant(1));
    }
    __m256i sum = sum_each(v);
    if constexpr (Format::kHalves) {
      const __m256i pairs = offset_pairs<Format>(s.pairs[j]);
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(broadcast_4(x->half_sums), pairs));
    } else if constexpr (Format::kOffset != 0) {
      sum = _mm256_add_epi32(sum, offset<Format>(*x));
    }
    acc = accumulate(acc, sum, *x, s.d[j]);
    if constexpr (Format::kBias) acc = add_bias(acc, *x, s.bias[j]);
    ++x;
  }

  void storage_block() {
    Scales s;
    Format::scales(rows, s);
    block<0>(s);
    if constexpr (Format::kBlocks == 8) {
      block<1>(s);
      block<2>(s);
      block<3>(s);
      block<4>(s);
      block<5>(s);
      block<6>(s);
      block<7>(s);
    }
    for (const uint8_t*& row : rows) row += Format::kBytes;
  }

 private:
  /// m_0 in the lower half, m_1 in the upper.
  template <int j>
  static __m256i halves(const uint8_t* p) {
    return _mm256_set_m128i(_mm_set1_epi16(static_cast<int8_t>(p[193 + 2 * j])),
                            _mm_set1_epi16(static_cast<int8_t>(p[192 + 2 * j])));
  }
};

}  // namespace
}  // namespace adder::ADDER_LEVEL
