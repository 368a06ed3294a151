#pragma once

#include "run/kernels/x86/bodies/dot.h"
#include "run/kernels/x86/flat.h"

namespace adder::ADDER_LEVEL {
namespace {

/// Rows that go through memory side by side; all sixteen lanes of their sums stay in registers.
constexpr int kStreams = 8 / kParts;

/// y of one token for weights as they lie in memory. What is asked for ahead are the same columns of the rows that come
/// next: rows lie one after another, and a stream that only ran on would end with its row.
template <class E>
void one_token(const FlatLinear& a, int64_t begin, int64_t end) {
  constexpr int64_t kLine = 64 / sizeof(E);
  static_assert(kLine % kLanes == 0);
  const auto add_lanes = [&](const E* const(&w)[kStreams], int64_t k, F(&sum)[kStreams][kParts]) {
    for (int part = 0; part < kParts; ++part) {
      const F x = load(a.x + k + part * kWidth);
      for (int r = 0; r < kStreams; ++r) sum[r][part] = fma(load(w[r] + k + part * kWidth), x, sum[r][part]);
    }
  };
  for (int64_t r0 = begin; r0 < end; r0 += kStreams) {
    const E* w[kStreams];  // past the end: the last one again
    for (int r = 0; r < kStreams; ++r) w[r] = reinterpret_cast<const E*>(a.w + smaller(r0 + r, end - 1) * a.row_bytes);
    F sum[kStreams][kParts];
    for (int r = 0; r < kStreams; ++r)
      for (int part = 0; part < kParts; ++part) sum[r][part] = zero();
    int64_t k = 0;
    for (; k + kLine <= a.n_cols; k += kLine) {
      for (int r = 0; r < kStreams; ++r) prefetch(w[r] + k + kStreams * a.n_cols);
      for (int64_t i = 0; i < kLine; i += kLanes) add_lanes(w, k + i, sum);
    }
    for (; k + kLanes <= a.n_cols; k += kLanes) add_lanes(w, k, sum);
    for (int part = 0; k < a.n_cols && part < kParts; ++part) {
      const int64_t first = k + part * kWidth, n = a.n_cols - first;
      for (int r = 0; r < kStreams; ++r) sum[r][part] = fma(load(w[r] + first, n), load(a.x + first, n), sum[r][part]);
    }
    alignas(64) float lanes[kStreams * kLanes];
    for (int r = 0; r < kStreams; ++r)
      for (int part = 0; part < kParts; ++part) store(lanes + r * kLanes + part * kWidth, sum[r][part]);
    float dots[up8(kStreams)];
    fold<kStreams>(lanes, dots);
    for (int r = 0; r < kStreams && r0 + r < end; ++r) a.y[r0 + r] = dots[r] * a.scale;
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
