#include "core/quant/format_table.h"

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

}  // namespace

std::span<const Format> k_formats() {
  static constexpr Format kFormats[] = {
      {DType::kQ2_K, decode_row<BlockQ2_K, 256, decode_q2_k>, nullptr, find_non_finite_block<BlockQ2_K, 256>},
      {DType::kQ3_K, decode_row<BlockQ3_K, 256, decode_q3_k>, nullptr, find_non_finite_block<BlockQ3_K, 256>},
      {DType::kQ4_K, decode_row<BlockQ4_K, 256, decode_q4_k>, nullptr, find_non_finite_block<BlockQ4_K, 256>},
      {DType::kQ5_K, decode_row<BlockQ5_K, 256, decode_q5_k>, nullptr, find_non_finite_block<BlockQ5_K, 256>},
      {DType::kQ6_K, decode_row<BlockQ6_K, 256, decode_q6_k>, nullptr, find_non_finite_block<BlockQ6_K, 256>},
  };
  return kFormats;
}

}  // namespace adder
