#pragma once

#include "run/kernels/x86/bodies/dot.h"
#include "run/kernels/x86/flat.h"

/// Products with weights in FP8, on AVX2: the numbers of ops.h, bit for bit, by a shorter way than halves.
///
/// A byte times 16, taken as a signed one, is s ssss eeee mmm 0000 (vpmaddubsw; with factors 16, 0 or 0, 16 it chooses
/// one byte of two). Masked to s 0000 eeee mmm 0000 and put at the top of a float, that is 2^-120 of the code's number,
/// for its subnormals as well: both formats count them in steps of their smallest normal number. Activations are
/// multiplied by 2^112 for it, which is exact, so that every product is the one of ops.h (2^-8 w x) and sums and
/// roundings are the same. It holds while they stay finite, |x| < 2^16; others, NaN among them, are left to halves.
/// A multiply-add with a subnormal factor costs nothing extra on Zen 3 (docs/performance.md).
///
/// Sixteen codes lie in both halves of a register: the lower keeps the even bytes, the upper the odd ones. Of the words
/// the upper ones of each pair are floats once masked, the lower ones once shifted up, so lanes come in the order
/// kHighLanes and kLowLanes, and activations are brought into it once a call.
namespace adder::ADDER_LEVEL {
namespace {

constexpr int64_t kMostSpread = int64_t{1} << 16;  // activations on the stack: they stay in the second cache

/// Lanes 0, 4, 8, 12, 1, 5, 9, 13 and 2, 6, 10, 14, 3, 7, 11, 15 of sixteen.
struct Sixteen {
  F low, high;
};

inline F interleave_halves(F x) {
  return _mm256_permutevar8x32_ps(x, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/// x times 2^112 in the order of `Sixteen`, padded with zeros to whole steps; false if one does not stay finite.
inline bool spread(const float* x, int64_t n, float* out) {
  const F scale = set1(0x1p112f), most = set1(0x1p16f), sign = set1(-0.0f);
  F bad = zero();
  for (int64_t k = 0; k < n; k += kLanes) {
    const F first = load(x + k, n - k), second = load(x + k + kWidth, n - k - kWidth);
    for (const F part : {first, second})
      bad = _mm256_or_ps(bad, _mm256_cmp_ps(_mm256_andnot_ps(sign, part), most, _CMP_NLT_UQ));
    store(out + k, mul(interleave_halves(_mm256_unpacklo_ps(first, second)), scale));
    store(out + k + kWidth, mul(interleave_halves(_mm256_unpackhi_ps(first, second)), scale));
  }
  return _mm256_movemask_ps(bad) == 0;
}

/// Back to lanes 0 .. 15.
inline void store_lanes(const Sixteen& sum, float* lanes) {
  store(lanes, interleave_halves(_mm256_unpacklo_ps(sum.low, sum.high)));
  store(lanes + kWidth, interleave_halves(_mm256_unpackhi_ps(sum.low, sum.high)));
}

/// 2^-120 of the numbers of sixteen codes.
inline Sixteen decode(__m128i codes) {
  const I even_odd = _mm256_setr_m128i(_mm_set1_epi16(0x0010), _mm_set1_epi16(0x1000));
  const I words = _mm256_maddubs_epi16(even_odd, _mm256_broadcastsi128_si256(codes));
  return {from_bits(shift_left(bit_and(words, set1(0x000087f0)), 16)),
          from_bits(bit_and(words, set1(static_cast<int32_t>(0x87f00000u))))};
}

/// R rows from r0 on side by side, tokens [t0, t0 + T); past `end` the last row again.
template <int R, int T>
void fp8_tile(const FlatLinear& a, const float* x, int64_t pitch, int64_t r0, int64_t end, int64_t t0) {
  constexpr int64_t kLine = 64;
  const uint8_t* w[R];
  for (int r = 0; r < R; ++r) w[r] = a.w + smaller(r0 + r, end - 1) * a.row_bytes;
  Sixteen sum[R][T];
  for (int r = 0; r < R; ++r)
    for (int t = 0; t < T; ++t) sum[r][t] = {zero(), zero()};
  x += t0 * pitch;
  __m128i codes[R];
  const auto add = [&](int64_t k) {
    for (int r = 0; r < R; ++r) {
      const Sixteen weights = decode(codes[r]);
      for (int t = 0; t < T; ++t) {
        sum[r][t].low = fma(weights.low, load(x + t * pitch + k), sum[r][t].low);
        sum[r][t].high = fma(weights.high, load(x + t * pitch + k + kWidth), sum[r][t].high);
      }
    }
  };
  const auto step = [&](int64_t k) {
    for (int r = 0; r < R; ++r) codes[r] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(w[r] + k));
    add(k);
  };
  int64_t k = 0;
  for (; k + kLine <= a.n_cols; k += kLine) {
    for (int r = 0; r < R; ++r) prefetch(w[r] + k + R * a.row_bytes);
    for (int64_t i = 0; i < kLine; i += kLanes) step(k + i);
  }
  for (; k + kLanes <= a.n_cols; k += kLanes) step(k);
  if (k < a.n_cols) {
    for (int r = 0; r < R; ++r) {
      codes[r] = _mm_setzero_si128();
      __builtin_memcpy(&codes[r], w[r] + k, static_cast<size_t>(a.n_cols - k));
    }
    add(k);
  }
  alignas(64) float lanes[R * T * kLanes];
  for (int r = 0; r < R; ++r)
    for (int t = 0; t < T; ++t) store_lanes(sum[r][t], lanes + (r * T + t) * kLanes);
  float dots[up8(R * T)];
  fold<R * T>(lanes, dots);
  for (int r = 0; r < R && r0 + r < end; ++r)
    for (int t = 0; t < T; ++t) a.y[(t0 + t) * a.n_rows + r0 + r] = dots[r * T + t] * a.scale;
}

/// Four rows for one token; two for each pair of tokens, turned into floats for each pair anew: a panel of floats and a
/// tile over it take longer.
void fp8_rows(const FlatLinear& a, const float* x, int64_t pitch, int64_t begin, int64_t end) {
  if (a.n_tokens == 1) {
    for (int64_t r = begin; r < end; r += 4) fp8_tile<4, 1>(a, x, pitch, r, end, 0);
    return;
  }
  for (int64_t r = begin; r < end; r += 2) {
    int64_t t = 0;
    for (; t + 2 <= a.n_tokens; t += 2) fp8_tile<2, 2>(a, x, pitch, r, end, t);
    if (t < a.n_tokens) fp8_tile<2, 1>(a, x, pitch, r, end, t);
  }
}

int64_t fp8_pitch(const FlatLinear& a) {
  return (a.n_cols + kLanes - 1) / kLanes * kLanes;
}

/// Tokens that `fp8_by_bytes` takes at once, in pairs; 0 where rows are too long.
int64_t fp8_tokens_at_once(const FlatLinear& a) {
  const int64_t most = kMostSpread / fp8_pitch(a);
  return most > 1 ? most / 2 * 2 : most;
}

/// False, and nothing done, where activations are too large for this.
bool fp8_by_bytes(const FlatLinear& a, int64_t begin, int64_t end) {
  const int64_t pitch = fp8_pitch(a);
  alignas(64) float x[kMostSpread];
  for (int64_t t = 0; t < a.n_tokens; ++t)
    if (!spread(a.x + t * a.n_cols, a.n_cols, x + t * pitch)) return false;
  fp8_rows(a, x, pitch, begin, end);
  return true;
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
