#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace adder {

/// The elementary functions of the forward pass. Scalar code here defines the bits; vector code evaluates the same
/// operations in the same order, so every level agrees and no result depends on a libm.

/// e^x = 2^k e^r with k = round(x / ln 2) and |r| <= ln(2) / 2; e^r = 1 + r + r^2 q(r), q a minimax polynomial
/// (relative error 3e-9, found by reweighted least squares). Everything rounded as f32.
namespace exp_constants {
constexpr float kLowest = -0x1.62e43p+5f;   ///< -64 ln 2; below, e^x counts as zero
constexpr float kHighest = 89.0f;           ///< above, e^x is infinite
constexpr float kLog2E = 0x1.715476p+0f;    ///< 1 / ln 2
constexpr float kRound = 0x1.8p+23f;        ///< adding it leaves the nearest integer in the low bits
constexpr float kLn2High = 0x1.62e43p-1f;   ///< ln 2, upper part
constexpr float kLn2Low = -0x1.05c61p-29f;  ///< ln 2 - kLn2High
constexpr float kQ[5] = {0x1.fffffcp-2f, 0x1.555490p-3f, 0x1.5558f4p-5f, 0x1.123a6cp-7f, 0x1.6a2350p-10f};
}  // namespace exp_constants

/// Error below 1 ulp (math_test.cc), inf above about 88.72, NaN for NaN; 0 below 2^-64. So little does not show beside
/// the 1 that every user adds it to or weighs it against, but what it is multiplied with would be subnormal, for which
/// Intel's processors stop: a scan took 2.3 times as long.
inline float exp_f32(float x) {
  namespace c = exp_constants;
  if (x < c::kLowest) return 0.0f;
  x = c::kHighest < x ? c::kHighest : x;
  const float rounded = std::fma(x, c::kLog2E, c::kRound);
  const float k = rounded - c::kRound;
  float r = std::fma(k, -c::kLn2High, x);
  r = std::fma(k, -c::kLn2Low, r);
  float q = c::kQ[4];
  for (int i = 3; i >= 0; --i) q = std::fma(q, r, c::kQ[i]);
  q = std::fma(q, r, 1.0f);
  q = std::fma(q, r, 1.0f);
  // 2^k in two factors, as k reaches up to 128.
  const int32_t whole = std::bit_cast<int32_t>(rounded) - std::bit_cast<int32_t>(c::kRound);
  const int32_t half = whole >> 1;
  const auto power = [](int32_t e) { return std::bit_cast<float>(static_cast<uint32_t>(e + 127) << 23); };
  return q * power(half) * power(whole - half);
}

/// 1 / (1 + e^-x)
inline float sigmoid(float x) {
  return 1.0f / (1.0f + exp_f32(-x));
}

/// x sigmoid(x), as one quotient
inline float silu(float x) {
  return x / (1.0f + exp_f32(-x));
}

/// log(1 + e^x); x itself above 20, where the two agree in f32. Through the double libm, whose last bit may differ
/// between C libraries; the rounding to f32 hides all but about one case in 2^28.
inline float softplus(float x) {
  return x > 20.0f ? x : static_cast<float>(std::log1p(std::exp(static_cast<double>(x))));
}

}  // namespace adder
