#pragma once

#include "run/kernels/math.h"

/// Built once per level, after its vec_*.h: what can be said with the names given there.
namespace adder::ADDER_LEVEL {
namespace {

/// dot16 and sum16 keep sixteen lanes: one register or two.
constexpr int kLanes = 16;
constexpr int kParts = kLanes / kWidth;

inline int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/// Four bytes, or two pairs of them, to every lane.
inline I set1_4(const void* p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return set1(four);
}

/// First n elements, zeros behind them.
template <class E>
inline F load(const E* p, int64_t n) {
  if (n >= kWidth) return load(p);
  E whole[kWidth] = {};
  for (int64_t i = 0; i < n; ++i) whole[i] = p[i];
  return load(whole);
}

/// float_to_bf16: round to nearest even by an addition, NaN kept quiet.
inline void store(BFloat* p, F x) {
  const I u = bits(x);
  const I high = shift_right(u, 16);
  const I rounded = shift_right(add(add(u, set1(0x7fff)), bit_and(high, set1(1))), 16);
  store_low16(p, select_number(x, rounded, bit_or(high, set1(0x40))));
}

/// First n elements; those behind them are not written.
template <class E>
inline void store(E* p, F a, int64_t n) {
  if (n >= kWidth) return store(p, a);
  E whole[kWidth];
  store(whole, a);
  for (int64_t i = 0; i < n; ++i) p[i] = whole[i];
}

/// exp_f32, operation for operation.
inline F exp(const F power) {
  namespace c = exp_constants;
  const F x = max(set1(c::kLowest), min(set1(c::kHighest), power));
  const F rounded = fma(x, set1(c::kLog2E), set1(c::kRound));
  const F k = sub(rounded, set1(c::kRound));
  F r = fma(k, set1(-c::kLn2High), x);
  r = fma(k, set1(-c::kLn2Low), r);
  F q = set1(c::kQ[4]);
  for (int i = 3; i >= 0; --i) q = fma(q, r, set1(c::kQ[i]));
  q = fma(q, r, set1(1.0f));
  q = fma(q, r, set1(1.0f));
  const I whole = sub(bits(rounded), bits(set1(c::kRound)));
  const I half = shift_right_signed(whole, 1);
  const I bias = set1(127);
  const F low = from_bits(shift_left(add(half, bias), 23));
  const F high = from_bits(shift_left(add(sub(whole, half), bias), 23));
  return zero_where_less(power, set1(c::kLowest), mul(mul(q, low), high));
}

inline F silu(F x) {
  return div(x, add(set1(1.0f), exp(negate(x))));
}

/// One number through the vector unit, for the few places that need a single one.
inline float exp(float x) {
  float out[kWidth];
  store(out, exp(set1(x)));
  return out[0];
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
