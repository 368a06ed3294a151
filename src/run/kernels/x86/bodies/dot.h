#pragma once

#include "run/kernels/x86/bodies/lanes.h"

namespace adder::ADDER_LEVEL {
namespace {

/// R x T products of dot16, up to the fold: lanes[(r * T + t) * 16 + l] goes on from what it holds, or from zero when
/// `fresh`. Each half of the lanes takes its own pass over the operands when a register holds only half.
template <int R, int T, class E>
inline void tile(const E* const (&w)[R], const float* const (&x)[T], int64_t n, bool fresh, float* lanes) {
  const int64_t whole = n / kLanes * kLanes;
  for (int part = 0; part < kParts; ++part) {
    const int64_t first = part * kWidth;
    F sum[R][T];
    for (int r = 0; r < R; ++r) {
      for (int t = 0; t < T; ++t) sum[r][t] = fresh ? zero() : load(lanes + (r * T + t) * kLanes + first);
    }
    for (int64_t k = first; k < whole; k += kLanes) {
      F row[R];
      for (int r = 0; r < R; ++r) row[r] = load(w[r] + k);
      for (int t = 0; t < T; ++t) {
        const F token = load(x[t] + k);
        for (int r = 0; r < R; ++r) sum[r][t] = fma(row[r], token, sum[r][t]);
      }
    }
    if (whole < n) {
      const int64_t k = whole + first;
      for (int r = 0; r < R; ++r) {
        for (int t = 0; t < T; ++t) sum[r][t] = fma(load(w[r] + k, n - k), load(x[t] + k, n - k), sum[r][t]);
      }
    }
    for (int r = 0; r < R; ++r) {
      for (int t = 0; t < T; ++t) store(lanes + (r * T + t) * kLanes + first, sum[r][t]);
    }
  }
}

/// Folds the lanes of `Count` outputs: lane l + lane l+8, then +4, +2, +1, eight outputs at a time. `out` has room for
/// Count rounded up to eight.
template <int Count>
inline void fold(const float* lanes, float* out) {
  for (int first = 0; first < Count; first += 8) {
    __m256 v[8];
    for (int i = 0; i < 8; ++i) {
      const float* l = lanes + (first + i) * kLanes;
      v[i] = first + i < Count ? _mm256_add_ps(_mm256_loadu_ps(l), _mm256_loadu_ps(l + 8)) : _mm256_setzero_ps();
    }
    __m256 pairs[4];  // [a0+a4 .. a3+a7 | e0+e4 .. e3+e7], so that the two halves end as outputs 0-3 and 4-7
    for (int i = 0; i < 4; ++i) {
      pairs[i] =
          _mm256_add_ps(_mm256_permute2f128_ps(v[i], v[i + 4], 0x20), _mm256_permute2f128_ps(v[i], v[i + 4], 0x31));
    }
    __m256 quads[2];
    for (int i = 0; i < 2; ++i) {
      quads[i] = _mm256_add_ps(_mm256_shuffle_ps(pairs[2 * i], pairs[2 * i + 1], 0x44),
                               _mm256_shuffle_ps(pairs[2 * i], pairs[2 * i + 1], 0xee));
    }
    _mm256_storeu_ps(out + first, _mm256_add_ps(_mm256_shuffle_ps(quads[0], quads[1], 0x88),
                                                _mm256_shuffle_ps(quads[0], quads[1], 0xdd)));
  }
}

constexpr int up8(int n) {
  return (n + 7) / 8 * 8;
}

/// The rows of one side of a product. A tile that reaches past the end takes the last row again and drops the result.
template <class E>
struct Matrix {
  const E* data;
  int64_t stride, n;
  const E* row(int64_t i) const { return data + smaller(i, n - 1) * stride; }
};
template <int R, int T>
inline void dot_tiles(const Matrix<float>& w, const Matrix<float>& x, int64_t n, float* out, int64_t out_row,
                      int64_t out_token) {
  for (int64_t r0 = 0; r0 < w.n; r0 += R) {
    const float* rows[R];
    for (int r = 0; r < R; ++r) rows[r] = w.row(r0 + r);
    for (int64_t t0 = 0; t0 < x.n; t0 += T) {
      const float* tokens[T];
      for (int t = 0; t < T; ++t) tokens[t] = x.row(t0 + t);
      alignas(64) float lanes[R * T * kLanes];
      float dots[up8(R * T)];
      tile(rows, tokens, n, true, lanes);
      fold<R * T>(lanes, dots);
      for (int r = 0; r < R && r0 + r < w.n; ++r) {
        for (int t = 0; t < T && t0 + t < x.n; ++t) out[(r0 + r) * out_row + (t0 + t) * out_token] = dots[r * T + t];
      }
    }
  }
}

/// out[r * out_row + t * out_token] = dot16(w[r], x[t]) over n elements.
inline void dot_matrix(const Matrix<float>& w, const Matrix<float>& x, int64_t n, float* out, int64_t out_row,
                       int64_t out_token) {
  if (x.n == 1) {
    dot_tiles<8, 1>(w, x, n, out, out_row, out_token);
  } else {
    dot_tiles<kTileRows, kTileTokens>(w, x, n, out, out_row, out_token);
  }
}

inline float dot16(const float* a, const float* b, int64_t n) {
  alignas(64) float lanes[kLanes];
  float out[8];
  const float* const as[1] = {a};
  const float* const bs[1] = {b};
  tile(as, bs, n, true, lanes);
  fold<1>(lanes, out);
  return out[0];
}

/// n a multiple of sixteen.
inline float sum16(const float* a, int64_t n) {
  alignas(64) float lanes[kLanes];
  float out[8];
  for (int part = 0; part < kParts; ++part) {
    F sum = zero();
    for (int64_t k = part * kWidth; k < n; k += kLanes) sum = add(sum, load(a + k));
    store(lanes + part * kWidth, sum);
  }
  fold<1>(lanes, out);
  return out[0];
}

/// At most Q registers of y in one pass over the rows of x.
template <int Q, class E>
inline void mix_strip(int64_t registers, const float* weight, int64_t n, const E* x, int64_t stride, float* y) {
  if constexpr (Q > 1) {
    if (registers < Q) return mix_strip<Q - 1>(registers, weight, n, x, stride, y);
  }
  F sum[Q];
  for (int q = 0; q < Q; ++q) sum[q] = load(y + q * kWidth);
  for (int64_t j = 0; j < n; ++j) {
    const F scale = set1(weight[j]);
    for (int q = 0; q < Q; ++q) sum[q] = fma(scale, load(x + j * stride + q * kWidth), sum[q]);
  }
  for (int q = 0; q < Q; ++q) store(y + q * kWidth, sum[q]);
}

/// y[i] = fma(weight[j], x[j * stride + i], y[i]), j < n in order, for all i < width: in as few strips as there are
/// registers for, all about as wide.
template <class E>
inline void mix(const float* weight, int64_t n, const E* x, int64_t stride, float* y, int64_t width) {
  constexpr int kMost = 10;
  int64_t i = 0;
  for (int64_t whole = width / kWidth; whole > 0;) {
    const int64_t strips = (whole + kMost - 1) / kMost, registers = (whole + strips - 1) / strips;
    mix_strip<kMost>(registers, weight, n, x + i, stride, y + i);
    whole -= registers;
    i += registers * kWidth;
  }
  if (i < width) {
    F sum = load(y + i, width - i);
    for (int64_t j = 0; j < n; ++j) sum = fma(set1(weight[j]), load(x + j * stride + i, width - i), sum);
    store(y + i, sum, width - i);
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
