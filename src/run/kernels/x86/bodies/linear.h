#pragma once

#include "run/kernels/x86/bodies/one_token.h"
#include "run/kernels/x86/flat.h"

namespace adder::ADDER_LEVEL {
namespace {

/// A panel of decoded weights and the lanes of its outputs stay in the second-level cache: 50 KB and 100 to 150 KB.
constexpr int kPanelRows = 24, kPanelColumns = 512, kPanelStride = kPanelColumns + kLanes;
constexpr int kPanelTokens = 16 * kTileTokens;
static_assert(kPanelRows % kTileRows == 0 && kPanelRows % 8 == 0);

/// Weights as they lie in memory; or turned into floats in a panel, by a register's load or by the codec.
template <class E>
struct InPlace {
  const FlatLinear& a;
  Matrix<E> block(int64_t r0, int64_t n, int64_t k, int64_t) const {
    return {reinterpret_cast<const E*>(a.w + r0 * a.row_bytes) + k, a.n_cols, n};
  }
};
template <class E>
struct Loaded {
  const FlatLinear& a;
  float* panel;
  Matrix<float> block(int64_t r0, int64_t n, int64_t k, int64_t n_columns) const {
    const Matrix<E> w = InPlace<E>{a}.block(r0, n, k, n_columns);
    for (int64_t r = 0; r < n; ++r) {
      for (int64_t i = 0; i < n_columns; i += kWidth)
        store(panel + r * kPanelStride + i, load(w.row(r) + i, n_columns - i));
    }
    return {panel, kPanelStride, n};
  }
};
struct Decoded {
  const FlatLinear& a;
  float* panel;
  Matrix<float> block(int64_t r0, int64_t n, int64_t k, int64_t n_columns) const {
    const FlatFormat f = flat_format(a.dtype);
    for (int64_t r = 0; r < n; ++r) {
      decode_scalar(a.dtype, a.w + (r0 + r) * a.row_bytes + k / f.block_size * f.block_bytes, n_columns,
                    panel + r * kPanelStride);
    }
    return {panel, kPanelStride, n};
  }
};

/// One panel of outputs, rows r0 .. r0 + n_rows of at most kPanelTokens tokens, columns in blocks.
template <int R, int T, class Source>
void panel_product(const FlatLinear& a, const Source& source, int64_t r0, int64_t n_rows, int64_t t0,
                   int64_t n_tokens) {
  constexpr int kPanelTiles = (kPanelRows / R) * (T == 1 ? 1 : kPanelTokens / T);
  alignas(64) float lanes[kPanelTiles * R * T * kLanes];
  for (int64_t k = 0; k < a.n_cols; k += kPanelColumns) {
    const int64_t n_columns = smaller(kPanelColumns, a.n_cols - k);
    const auto w = source.block(r0, n_rows, k, n_columns);
    const Matrix<float> x{a.x + t0 * a.n_cols + k, a.n_cols, n_tokens};
    float* at = lanes;
    for (int64_t r = 0; r < n_rows; r += R) {
      decltype(w.data) rows[R];
      for (int i = 0; i < R; ++i) rows[i] = w.row(r + i);
      for (int64_t t = 0; t < n_tokens; t += T, at += R * T * kLanes) {
        const float* tokens[T];
        for (int i = 0; i < T; ++i) tokens[i] = x.row(t + i);
        tile(rows, tokens, n_columns, k == 0, at);
      }
    }
  }
  const float* at = lanes;
  for (int64_t r = 0; r < n_rows; r += R) {
    for (int64_t t = 0; t < n_tokens; t += T, at += R * T * kLanes) {
      float dots[up8(R * T)];
      fold<R * T>(at, dots);
      for (int i = 0; i < R && r + i < n_rows; ++i) {
        for (int j = 0; j < T && t + j < n_tokens; ++j)
          a.y[(t0 + t + j) * a.n_rows + r0 + r + i] = dots[i * T + j] * a.scale;
      }
    }
  }
}

template <class Source>
void product(const FlatLinear& a, const Source& source, int64_t begin, int64_t end) {
  for (int64_t t0 = 0; t0 < a.n_tokens; t0 += kPanelTokens) {
    const int64_t n_tokens = smaller(kPanelTokens, a.n_tokens - t0);
    for (int64_t r0 = begin; r0 < end; r0 += kPanelRows) {
      const int64_t n_rows = smaller(kPanelRows, end - r0);
      if (n_tokens == 1) {
        panel_product<8, 1>(a, source, r0, n_rows, t0, 1);
      } else {
        panel_product<kTileRows, kTileTokens>(a, source, r0, n_rows, t0, n_tokens);
      }
    }
  }
}

template <class E>
void in_place(const FlatLinear& a, int64_t begin, int64_t end) {
  a.n_tokens == 1 ? one_token<E>(a, begin, end) : product(a, InPlace<E>{a}, begin, end);
}

/// Tokens in tiles would load and turn every weight once for each tile.
template <class E>
void loaded(const FlatLinear& a, int64_t begin, int64_t end) {
  alignas(64) float panel[kPanelRows * kPanelStride];
  product(a, Loaded<E>{a, panel}, begin, end);
}

void fp8_by_halves(const FlatLinear& a, int64_t begin, int64_t end) {
  a.n_tokens > kTileTokens ? loaded<Quarter>(a, begin, end) : in_place<Quarter>(a, begin, end);
}

void fp8(const FlatLinear& a, int64_t begin, int64_t end) {
  const int64_t at_once = fp8_tokens_at_once(a);
  if (at_once == 0) return fp8_by_halves(a, begin, end);
  for (int64_t t = 0; t < a.n_tokens; t += at_once) {
    FlatLinear part = a;
    part.x += t * a.n_cols;
    part.y += t * a.n_rows;
    part.n_tokens = smaller(at_once, a.n_tokens - t);
    if (!fp8_by_bytes(part, begin, end)) fp8_by_halves(part, begin, end);
  }
}

void any_format(const FlatLinear& a, int64_t begin, int64_t end) {
  alignas(64) float panel[kPanelRows * kPanelStride];
  product(a, Decoded{a, panel}, begin, end);
}

}  // namespace

void linear(const FlatLinear& a, int64_t begin, int64_t end) {
  switch (a.dtype) {
    case DType::kF32:
      return in_place<float>(a, begin, end);
    case DType::kF16:
      return in_place<Half>(a, begin, end);
    case DType::kBF16:
      return in_place<BFloat>(a, begin, end);
    case DType::kF8E4M3:
      return fp8(a, begin, end);
    default:
      return any_format(a, begin, end);
  }
}

}  // namespace adder::ADDER_LEVEL
