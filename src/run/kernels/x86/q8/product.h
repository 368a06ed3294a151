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
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return _mm256_set1_epi32(four);
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

/// Products that may be added up in sixteen bits, by the largest level: eight of 15 * 127 * 2, four of 31 * 127 * 2,
/// two of 63 * 127 * 2, one with a sign.
template <class Format>
constexpr int kSteps = Format::kSigned      ? 1
                       : Format::kBits == 4 ? 8
                       : Format::kBits == 5 ? 4
                                            : 2;

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

}  // namespace
}  // namespace adder::ADDER_LEVEL
