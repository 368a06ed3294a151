#pragma once

#include "run/kernels/ops.h"
#include "run/kernels/x86/bodies/lanes.h"

namespace adder::ADDER_LEVEL {
namespace {

inline float largest(__m256 x) {
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_shuffle_ps(m, m, 1)));
}
inline int32_t sum(__m256i x) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

/// v, 32 numbers, becomes what `out` leaves of it.
inline void quantize_block(__m256 (&v)[4], Q8Block& out) {
  const __m256 no_sign = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
  __m256 most = _mm256_setzero_ps(), zeros = _mm256_setzero_ps();
  for (const __m256& x : v) {
    most = _mm256_max_ps(most, _mm256_and_ps(x, no_sign));
    zeros = _mm256_add_ps(zeros, _mm256_mul_ps(x, _mm256_setzero_ps()));  // NaN where anything is not finite
  }
  const bool finite = _mm256_movemask_ps(_mm256_cmp_ps(zeros, zeros, _CMP_UNORD_Q)) == 0;
  const float a = largest(most);
  const bool zero = !finite || a < 0x1p-100f;
  const __m256 inverse = _mm256_set1_ps(zero ? 0.0f : 127.0f / a);
  __m256i q[4];
  for (int i = 0; i < 4; ++i) q[i] = zero ? _mm256_setzero_si256() : _mm256_cvtps_epi32(_mm256_mul_ps(v[i], inverse));

  const int32_t first = sum(_mm256_add_epi32(q[0], q[1])), second = sum(_mm256_add_epi32(q[2], q[3]));
  out.scale = !finite ? __builtin_nanf("") : zero ? 0.0f : a / 127.0f;
  out.sum = out.scale * static_cast<float>(first + second);
  out.half_sums[0] = static_cast<int16_t>(first);
  out.half_sums[1] = static_cast<int16_t>(second);
  const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
  const __m256i in_order = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.q), in_order);
  for (int i = 0; i < 4; ++i)
    v[i] = _mm256_sub_ps(v[i], _mm256_mul_ps(_mm256_set1_ps(out.scale), _mm256_cvtepi32_ps(q[i])));
}

void quantize_rows(const QuantizeRowsArgs& a, int64_t begin, int64_t end) {
  const int64_t n_blocks = a.width / 32;
  Q8Block* out = a.out + begin * n_blocks * a.parts;
  for (int64_t i = begin * n_blocks; i < end * n_blocks; ++i) {
    __m256 v[4];
    for (int k = 0; k < 4; ++k) v[k] = _mm256_loadu_ps(a.x + 32 * i + 8 * k);
    for (int64_t part = 0; part < a.parts; ++part) quantize_block(v, *out++);
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
