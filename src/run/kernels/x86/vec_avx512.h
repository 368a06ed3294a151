#pragma once

#include <immintrin.h>

#include <cstdint>

/// Sixteen lanes, AVX-512 F, BW, VL and DQ: the names of vec_avx2.h, which explains them.
namespace adder::ADDER_LEVEL {
namespace {

constexpr int kWidth = 16;
constexpr int kTileRows = 4, kTileTokens = 6;  // 24 accumulators + 4 rows + 1 token in 32 registers

using F = __m512;
using I = __m512i;

struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};
struct Quarter {
  uint8_t bits;
};

inline F zero() {
  return _mm512_setzero_ps();
}
inline F set1(float x) {
  return _mm512_set1_ps(x);
}
inline F fma(F a, F b, F c) {
  return _mm512_fmadd_ps(a, b, c);
}
inline F add(F a, F b) {
  return _mm512_add_ps(a, b);
}
inline F sub(F a, F b) {
  return _mm512_sub_ps(a, b);
}
inline F mul(F a, F b) {
  return _mm512_mul_ps(a, b);
}
inline F div(F a, F b) {
  return _mm512_div_ps(a, b);
}
inline F sqrt(F a) {
  return _mm512_sqrt_ps(a);
}
inline F negate(F a) {
  return _mm512_xor_ps(a, set1(-0.0f));
}
inline F min(F a, F b) {
  return _mm512_min_ps(a, b);
}
inline F max(F a, F b) {
  return _mm512_max_ps(a, b);
}

inline I set1(int32_t x) {
  return _mm512_set1_epi32(x);
}
inline I ramp() {
  return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
inline I add(I a, I b) {
  return _mm512_add_epi32(a, b);
}
inline I sub(I a, I b) {
  return _mm512_sub_epi32(a, b);
}
inline I bit_and(I a, I b) {
  return _mm512_and_si512(a, b);
}
inline I bit_or(I a, I b) {
  return _mm512_or_si512(a, b);
}
inline I shift_left(I a, int n) {
  return _mm512_slli_epi32(a, static_cast<unsigned>(n));
}
inline I shift_right(I a, int n) {
  return _mm512_srli_epi32(a, static_cast<unsigned>(n));
}
inline I shift_right_signed(I a, int n) {
  return _mm512_srai_epi32(a, static_cast<unsigned>(n));
}
inline I bits(F a) {
  return _mm512_castps_si512(a);
}
inline F from_bits(I a) {
  return _mm512_castsi512_ps(a);
}
inline F to_float(I a) {
  return _mm512_cvtepi32_ps(a);
}
inline I select_number(F a, I x, I y) {
  return _mm512_mask_blend_epi32(_mm512_cmp_ps_mask(a, a, _CMP_ORD_Q), y, x);
}
inline F zero_where_less(F a, F b, F x) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ), x);
}

/// Fetches the line of p, which need not exist, into the second cache.
inline void prefetch(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
}

inline F load(const float* p) {
  return _mm512_loadu_ps(p);
}
inline F load(const Half* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline F load(const BFloat* p) {
  return from_bits(shift_left(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))), 16));
}
inline F load(const Quarter* p) {
  const __m256i words = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return _mm512_cvtph_ps(
      _mm256_and_si256(_mm256_slli_epi16(words, 7), _mm256_set1_epi16(static_cast<int16_t>(0xbfff))));
}
inline void store(float* p, F a) {
  _mm512_storeu_ps(p, a);
}
inline void store(Half* p, F a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}
inline void store_low16(BFloat* p, I a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(a));
}

inline __mmask16 first_lanes(int64_t n) {
  return n >= kWidth ? __mmask16{0xffff} : static_cast<__mmask16>((1u << (n > 0 ? n : 0)) - 1u);
}
inline F load(const float* p, int64_t n) {
  return _mm512_maskz_loadu_ps(first_lanes(n), p);
}
inline void store(float* p, F a, int64_t n) {
  _mm512_mask_storeu_ps(p, first_lanes(n), a);
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
