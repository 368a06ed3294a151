#pragma once

#include "run/kernels/x86/bodies/lanes.h"

/// Products whose outputs lie in lanes, so that nothing is folded: a tile is kTileHeight x Q registers of outputs; at
/// every step k one factor a row meets Q registers. With Q = 2 that is 12 sums, and 8 loads for 12 multiply-adds.
namespace adder::ADDER_LEVEL {
namespace {

constexpr int kTileHeight = 6;

/// Sums of a tile, row after row of Q registers.
template <int Q>
struct Tile {
  alignas(64) float sums[kTileHeight * Q * kWidth];
  float* at(int r, int q) { return sums + (r * Q + q) * kWidth; }
};

/// Factors of row r at step k: in one block, or each row's wherever it lies.
template <int64_t kStep, int64_t kRow>
struct Packed {
  const float* block;
  float at(int64_t k, int r) const { return block[k * kStep + r * kRow]; }
};
struct RowByRow {
  const float* rows[kTileHeight];
  float at(int64_t k, int r) const { return rows[r][k]; }
};

/// sum[r][q] = fma(a(k, r), b[k * stride][q], sum[r][q]), k < n in order. A function of its own, or the compiler would
/// spill sums for the sake of its caller's variables.
template <int Q, class Factors, class E>
[[gnu::noinline]] void accumulate(const Factors a, const E* b, int64_t stride, int64_t n, Tile<Q>& tile) {
  F sum[kTileHeight][Q];
  for (int r = 0; r < kTileHeight; ++r) {
    for (int q = 0; q < Q; ++q) sum[r][q] = load(tile.at(r, q));
  }
  for (int64_t k = 0; k < n; ++k, b += stride) {
    F row[Q];
    for (int q = 0; q < Q; ++q) row[q] = load(b + q * kWidth);
    for (int r = 0; r < kTileHeight; ++r) {
      F factor = set1(a.at(k, r));
      // Factors stay in order: GCC 12 would load all of them before a row of halves is there, and spill sums.
      asm volatile("" : "+x"(factor));
      for (int q = 0; q < Q; ++q) sum[r][q] = fma(factor, row[q], sum[r][q]);
    }
  }
  for (int r = 0; r < kTileHeight; ++r) {
    for (int q = 0; q < Q; ++q) store(tile.at(r, q), sum[r][q]);
  }
}

/// n rows of Q registers, side by side, those past `left` zero.
template <int Q, class E>
inline void pack_strip(const E* from, int64_t stride, int64_t n, int64_t left, float* out) {
  for (int64_t k = 0; k < n; ++k) {
    for (int q = 0; q < Q; ++q) {
      store(out + (k * Q + q) * kWidth, load(from + k * stride + q * kWidth, left - q * kWidth));
    }
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
