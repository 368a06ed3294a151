#pragma once

#include "run/kernels/x86/bodies/decode.h"
#include "run/kernels/x86/bodies/dot.h"
#include "run/kernels/x86/flat.h"

namespace adder::ADDER_LEVEL {
namespace {

/// A panel of decoded weights and the lanes of its outputs stay in the second-level cache: 50 KB and 100 to 150 KB.
constexpr int kPanelRows = 24, kPanelColumns = 512, kPanelStride = kPanelColumns + kLanes;
constexpr int kPanelTokens = 16 * kTileTokens;
static_assert(kPanelRows % kTileRows == 0 && kPanelRows % 8 == 0);

/// Decodes n elements from element k of a row, both multiples of the block size.
using DecodeFn = void (*)(const uint8_t* row, int64_t k, int64_t n, float* out);

template <class Format>
void decode_row(const uint8_t* row, int64_t k, int64_t n, float* out) {
  const uint8_t* b = row + k / Format::kElements * Format::kBytes;
  Store sink{out};
  for (int64_t i = 0; i < n; i += Format::kElements, b += Format::kBytes) Format::block(b, sink);
}

/// Weights as they lie in memory, or decoded into a panel.
template <class E>
struct InPlace {
  const FlatLinear& a;
  Matrix<E> block(int64_t r0, int64_t n, int64_t k, int64_t) const {
    return {reinterpret_cast<const E*>(a.w + r0 * a.row_bytes) + k, a.n_cols, n};
  }
};
struct Decoded {
  const FlatLinear& a;
  DecodeFn decode;
  float* panel;
  Matrix<float> block(int64_t r0, int64_t n, int64_t k, int64_t n_columns) const {
    for (int64_t r = 0; r < n; ++r) {
      if (decode) {
        decode(a.w + (r0 + r) * a.row_bytes, k, n_columns, panel + r * kPanelStride);
      } else {
        const FlatFormat f = flat_format(a.dtype);
        decode_scalar(a.dtype, a.w + (r0 + r) * a.row_bytes + k / f.block_size * f.block_bytes, n_columns,
                      panel + r * kPanelStride);
      }
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
        for (int j = 0; j < T && t + j < n_tokens; ++j) a.y[(t0 + t + j) * a.n_rows + r0 + r + i] = dots[i * T + j];
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

/// One token: weights go from their block straight into the sums, two rows side by side so that one row's sums need not
/// wait for themselves, eight rows to a fold.
template <class Format>
void one_token(const FlatLinear& a, int64_t begin, int64_t end) {
  for (int64_t r0 = begin; r0 < end; r0 += 8) {
    const Matrix<uint8_t> w{a.w + r0 * a.row_bytes, a.row_bytes, smaller(8, end - r0)};
    alignas(64) float lanes[8 * kLanes];
    for (int r = 0; r < 8; r += 2) {
      const uint8_t *first = w.row(r), *second = w.row(r + 1);
      Dot dots[2] = {Dot(a.x), Dot(a.x)};
      for (int64_t k = 0; k < a.n_cols; k += Format::kElements, first += Format::kBytes, second += Format::kBytes) {
        Format::block(first, dots[0]);
        Format::block(second, dots[1]);
      }
      for (int i = 0; i < 2; ++i) dots[i].store_lanes(lanes + (r + i) * kLanes);
    }
    float out[8];
    fold<8>(lanes, out);
    for (int64_t r = 0; r < w.n; ++r) a.y[r0 + r] = out[r];
  }
}

template <class Format>
void quantised(const FlatLinear& a, int64_t begin, int64_t end) {
  if (a.n_tokens == 1) return one_token<Format>(a, begin, end);
  alignas(64) float panel[kPanelRows * kPanelStride];
  product(a, Decoded{a, decode_row<Format>, panel}, begin, end);
}

void any_format(const FlatLinear& a, int64_t begin, int64_t end) {
  alignas(64) float panel[kPanelRows * kPanelStride];
  product(a, Decoded{a, nullptr, panel}, begin, end);
}

}  // namespace

void linear(const FlatLinear& a, int64_t begin, int64_t end) {
  switch (a.dtype) {
    case DType::kF32:
      return product(a, InPlace<float>{a}, begin, end);
    case DType::kF16:
      return product(a, InPlace<Half>{a}, begin, end);
    case DType::kBF16:
      return product(a, InPlace<BFloat>{a}, begin, end);
    case DType::kQ4_0:
      return quantised<Q4_0>(a, begin, end);
    case DType::kQ5_0:
      return quantised<Q5_0>(a, begin, end);
    case DType::kQ8_0:
      return quantised<Q8_0>(a, begin, end);
    case DType::kQ4_K:
      return quantised<Q4_K>(a, begin, end);
    case DType::kQ5_K:
      return quantised<Q5_K>(a, begin, end);
    case DType::kQ6_K:
      return quantised<Q6_K>(a, begin, end);
    default:
      return any_format(a, begin, end);
  }
}

}  // namespace adder::ADDER_LEVEL
