#pragma once

#include <immintrin.h>

#include <cstdint>

/// Eight lanes, AVX2 + FMA + F16C. The bodies know a vector only by the names below, which vec_avx512.h has too.
/// Everything is internal to the file that includes it: no symbol of a level may reach the linker, or it could be
/// picked for the baseline (isa_symbols.cmake checks).
namespace adder::ADDER_LEVEL {
namespace {

constexpr int kWidth = 8;
constexpr int kTileRows = 3, kTileTokens = 4;  // 12 accumulators + 3 rows + 1 token in 16 registers

using F = __m256;
using I = __m256i;

/// Sixteen-bit floats as stored.
struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};
/// A code of F8_E4M3, which loads as 2^-8 of its value.
struct Quarter {
  uint8_t bits;
};

inline F zero() {
  return _mm256_setzero_ps();
}
inline F set1(float x) {
  return _mm256_set1_ps(x);
}
inline F fma(F a, F b, F c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline F add(F a, F b) {
  return _mm256_add_ps(a, b);
}
inline F sub(F a, F b) {
  return _mm256_sub_ps(a, b);
}
inline F mul(F a, F b) {
  return _mm256_mul_ps(a, b);
}
inline F div(F a, F b) {
  return _mm256_div_ps(a, b);
}
inline F sqrt(F a) {
  return _mm256_sqrt_ps(a);
}
inline F negate(F a) {
  return _mm256_xor_ps(a, set1(-0.0f));
}
/// a < b ? a : b and a > b ? a : b: the second where either is NaN.
inline F min(F a, F b) {
  return _mm256_min_ps(a, b);
}
inline F max(F a, F b) {
  return _mm256_max_ps(a, b);
}

inline I set1(int32_t x) {
  return _mm256_set1_epi32(x);
}
inline I ramp() {
  return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
}
inline I add(I a, I b) {
  return _mm256_add_epi32(a, b);
}
inline I sub(I a, I b) {
  return _mm256_sub_epi32(a, b);
}
inline I bit_and(I a, I b) {
  return _mm256_and_si256(a, b);
}
inline I bit_or(I a, I b) {
  return _mm256_or_si256(a, b);
}
inline I shift_left(I a, int n) {
  return _mm256_slli_epi32(a, n);
}
inline I shift_right(I a, int n) {
  return _mm256_srli_epi32(a, n);
}
inline I shift_right_signed(I a, int n) {
  return _mm256_srai_epi32(a, n);
}
inline I bits(F a) {
  return _mm256_castps_si256(a);
}
inline F from_bits(I a) {
  return _mm256_castsi256_ps(a);
}
inline F to_float(I a) {
  return _mm256_cvtepi32_ps(a);
}
/// ordered(a) ? x : y
inline I select_number(F a, I x, I y) {
  return _mm256_blendv_epi8(y, x, _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_ORD_Q)));
}
/// a < b ? 0 : x
inline F zero_where_less(F a, F b, F x) {
  return _mm256_andnot_ps(_mm256_cmp_ps(a, b, _CMP_LT_OQ), x);
}

/// Fetches the line of p, which need not exist, into the second cache.
inline void prefetch(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
}

inline F load(const float* p) {
  return _mm256_loadu_ps(p);
}
inline F load(const Half* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline F load(const BFloat* p) {
  return from_bits(shift_left(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), 16));
}
/// Seven places up a code is a half but for the bit below the sign: the codes' subnormals are the halves'.
inline F load(const Quarter* p) {
  const __m128i words = _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  return _mm256_cvtph_ps(_mm_and_si128(_mm_slli_epi16(words, 7), _mm_set1_epi16(static_cast<int16_t>(0xbfff))));
}
inline void store(float* p, F a) {
  _mm256_storeu_ps(p, a);
}
inline void store(Half* p, F a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}
/// The low halves of the lanes.
inline void store_low16(BFloat* p, I a) {
  const I packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(a, a), 0x08);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(packed));
}

/// The first n lanes (all of them from n = kWidth on, none up to n = 0); the others read as zero and are not written.
inline I first_lanes(int64_t n) {
  return _mm256_cmpgt_epi32(set1(static_cast<int32_t>(n < kWidth ? n : kWidth)), ramp());
}
inline F load(const float* p, int64_t n) {
  return n >= kWidth ? load(p) : _mm256_maskload_ps(p, first_lanes(n));
}
/// A masked store takes a whole register's worth of microcode on Zen, so full registers go without.
inline void store(float* p, F a, int64_t n) {
  n >= kWidth ? store(p, a) : _mm256_maskstore_ps(p, first_lanes(n), a);
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
