#include <algorithm>
#include <numeric>

#include "core/quant/format_table.h"
#include "core/quant/search.h"

namespace adder {
namespace {

using Out = std::span<float, 256>;

void decode_q2_k(const BlockQ2_K& b, Out out) {
  const float d = half_to_float(b.d);
  const float dmin = half_to_float(b.dmin);
  for (size_t e = 0; e < 256; ++e) {
    const uint8_t s = b.scales[e / 16];
    const int q = (b.qs[e / 128 * 32 + e % 32] >> (2 * (e / 32 % 4))) & 3;
    out[e] = (d * static_cast<float>(s & 15)) * static_cast<float>(q) - dmin * static_cast<float>(s >> 4);
  }
}

void decode_q3_k(const BlockQ3_K& b, Out out) {
  const float d = half_to_float(b.d);
  const auto scales = unpack_q3_scales(b.scales);
  for (size_t e = 0; e < 256; ++e) {
    const int low = (b.qs[e / 128 * 32 + e % 32] >> (2 * (e / 32 % 4))) & 3;
    const int high = (b.hmask[e % 32] >> (e / 32)) & 1;
    out[e] = (d * static_cast<float>(scales[e / 16] - 32)) * static_cast<float>((low | (high << 2)) - 4);
  }
}

int nibble(const std::array<uint8_t, 128>& qs, size_t e) {
  return (qs[e / 64 * 32 + e % 32] >> (4 * (e / 32 % 2))) & 15;
}

void decode_q4_k(const BlockQ4_K& b, Out out) {
  const float d = half_to_float(b.d);
  const float dmin = half_to_float(b.dmin);
  const KScales s = unpack_k_scales(b.scales);
  for (size_t e = 0; e < 256; ++e) {
    const float scale = d * static_cast<float>(s.scale[e / 32]);
    out[e] = scale * static_cast<float>(nibble(b.qs, e)) - dmin * static_cast<float>(s.min[e / 32]);
  }
}

void decode_q5_k(const BlockQ5_K& b, Out out) {
  const float d = half_to_float(b.d);
  const float dmin = half_to_float(b.dmin);
  const KScales s = unpack_k_scales(b.scales);
  for (size_t e = 0; e < 256; ++e) {
    const int high = (b.qh[e % 32] >> (e / 32)) & 1;
    const float scale = d * static_cast<float>(s.scale[e / 32]);
    out[e] = scale * static_cast<float>(nibble(b.qs, e) | (high << 4)) - dmin * static_cast<float>(s.min[e / 32]);
  }
}

void decode_q6_k(const BlockQ6_K& b, Out out) {
  const float d = half_to_float(b.d);
  for (size_t e = 0; e < 256; ++e) {
    const size_t half = e / 128, k = e / 32 % 4, l = e % 32;
    const int low = (b.ql[64 * half + 32 * (k % 2) + l] >> (4 * (k / 2))) & 15;
    const int high = (b.qh[32 * half + l] >> (2 * k)) & 3;
    out[e] = (d * static_cast<float>(b.scales[e / 16])) * static_cast<float>((low | (high << 4)) - 32);
  }
}

// Encoding: every sub-block finds its own scale, the scales are rounded to the super-block's grid, and the levels are
// then chosen again for the scales that are stored.

using In = std::span<const float, 256>;
using Importance = std::span<const float>;
using Levels = std::array<uint8_t, 256>;

/// What Q4_K and Q5_K share: all but the packing of the levels.
struct ScaleMinBlock {
  uint16_t d, dmin;
  std::array<uint8_t, 12> scales;
  Levels q;
};

/// Values v[j] >= 0 on a grid of 0 .. 63: the step as a half, and the rounded values.
uint16_t to_six_bits(const std::array<float, 8>& v, std::array<uint8_t, 8>& rounded) {
  const float max = std::max(0.0f, std::ranges::max(v));
  const float inverse = max > 0 ? 63.0f / max : 0.0f;
  for (size_t j = 0; j < 8; ++j) rounded[j] = static_cast<uint8_t>(nearest_level(inverse * v[j], 0, 63));
  return float_to_half(max / 63.0f);
}

/// `grid` without importance, `kFineGrid` with.
ScaleMinBlock encode_scale_min(In x, Importance importance, int levels, const ScaleMinGrid& grid) {
  ScaleMinBlock b;
  std::array<float, 8> scale, min, total;
  const float variance = 2 * sum_of_squares(x) / 256.0f;
  for (size_t j = 0; j < 8; ++j) {
    const auto group = x.subspan(32 * j, 32);
    std::array<float, 32> weights;
    if (importance.empty()) {
      const float rms = std::sqrt(sum_of_squares(group) / 32.0f);
      for (size_t l = 0; l < 32; ++l) weights[l] = rms + std::fabs(group[l]);
    } else {
      weigh(group, importance.subspan(32 * j, 32), variance, weights);
    }
    total[j] = std::accumulate(weights.begin(), weights.end(), 0.0f);
    const ScaleMin found = search_scale_min(group, weights, levels, importance.empty() ? grid : kFineGrid,
                                            std::span(b.q).subspan(32 * j, 32));
    scale[j] = found.scale;
    min[j] = found.min;
  }
  KScales six_bits;
  if (importance.empty()) {
    b.d = to_six_bits(scale, six_bits.scale);
    b.dmin = to_six_bits(min, six_bits.min);
  } else {
    b.d = float_to_half(search_step(scale, total, 63, six_bits.scale));
    b.dmin = float_to_half(search_step(min, total, 63, six_bits.min));
  }
  b.scales = pack_k_scales(six_bits);
  for (size_t j = 0; j < 8; ++j) {
    const float d = half_to_float(b.d) * static_cast<float>(six_bits.scale[j]);
    const float m = half_to_float(b.dmin) * static_cast<float>(six_bits.min[j]);
    if (d == 0) continue;  // any level decodes to the same value
    for (size_t e = 32 * j; e < 32 * j + 32; ++e)
      b.q[e] = static_cast<uint8_t>(nearest_level((x[e] + m) / d, 0, levels));
  }
  return b;
}

std::array<uint8_t, 128> pack_nibbles(const Levels& q) {
  std::array<uint8_t, 128> qs;
  for (size_t k = 0; k < 4; ++k)
    for (size_t l = 0; l < 32; ++l)
      qs[32 * k + l] = static_cast<uint8_t>((q[64 * k + l] & 15) | ((q[64 * k + 32 + l] & 15) << 4));
  return qs;
}

BlockQ4_K encode_q4_k(In x, Importance importance) {
  const ScaleMinBlock b = encode_scale_min(x, importance, 15, {-1.0f, 0.1f, 20});
  return {b.d, b.dmin, b.scales, pack_nibbles(b.q)};
}

BlockQ5_K encode_q5_k(In x, Importance importance) {
  const ScaleMinBlock b = encode_scale_min(x, importance, 31, {-0.5f, 0.1f, 15});
  BlockQ5_K out{b.d, b.dmin, b.scales, {}, pack_nibbles(b.q)};
  for (size_t e = 0; e < 256; ++e) out.qh[e % 32] = static_cast<uint8_t>(out.qh[e % 32] | ((b.q[e] >> 4) << (e / 32)));
  return out;
}

BlockQ6_K encode_q6_k(In x, Importance importance) {
  constexpr float kNegligible = 1e-15f;
  std::array<float, 16> scale;
  Levels q;
  std::array<float, 256> squares;
  for (size_t e = 0; e < 256; ++e) squares[e] = x[e] * x[e];
  const Importance weights = importance.empty() ? squares : importance;
  for (size_t j = 0; j < 16; ++j)
    scale[j] =
        search_signed_scale(x.subspan(16 * j, 16), weights.subspan(16 * j, 16), 32, std::span(q).subspan(16 * j, 16));
  const float largest = signed_max(scale);
  BlockQ6_K b{};
  if (std::fabs(largest) < kNegligible) return b;

  const float inverse = -128.0f / largest;
  b.d = float_to_half(1.0f / inverse);
  for (size_t j = 0; j < 16; ++j) b.scales[j] = static_cast<int8_t>(nearest_level(inverse * scale[j], -128, 127));
  for (size_t e = 0; e < 256; ++e) {
    const float d = half_to_float(b.d) * static_cast<float>(b.scales[e / 16]);
    if (d != 0) q[e] = static_cast<uint8_t>(nearest_level(x[e] / d, -32, 31) + 32);
    const size_t half = e / 128, k = e / 32 % 4, l = e % 32;
    uint8_t& low = b.ql[64 * half + 32 * (k % 2) + l];
    uint8_t& high = b.qh[32 * half + l];
    low = static_cast<uint8_t>(low | ((q[e] & 15) << (4 * (k / 2))));
    high = static_cast<uint8_t>(high | ((q[e] >> 4) << (2 * k)));
  }
  return b;
}

}  // namespace

std::span<const Format> k_formats() {
  static constexpr Format kFormats[] = {
      {DType::kQ2_K, decode_row<BlockQ2_K, 256, decode_q2_k>, nullptr, find_non_finite_block<BlockQ2_K, 256>},
      {DType::kQ3_K, decode_row<BlockQ3_K, 256, decode_q3_k>, nullptr, find_non_finite_block<BlockQ3_K, 256>},
      {DType::kQ4_K, decode_row<BlockQ4_K, 256, decode_q4_k>, encode_row<BlockQ4_K, 256, encode_q4_k>,
       find_non_finite_block<BlockQ4_K, 256>},
      {DType::kQ5_K, decode_row<BlockQ5_K, 256, decode_q5_k>, encode_row<BlockQ5_K, 256, encode_q5_k>,
       find_non_finite_block<BlockQ5_K, 256>},
      {DType::kQ6_K, decode_row<BlockQ6_K, 256, decode_q6_k>, encode_row<BlockQ6_K, 256, encode_q6_k>,
       find_non_finite_block<BlockQ6_K, 256>},
  };
  return kFormats;
}

}  // namespace adder
