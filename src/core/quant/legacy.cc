#include "core/quant/format_table.h"

namespace adder {
namespace {

using Out = std::span<float, 32>;

/// Fifth bit of element e, in place.
int high_bit(const std::array<uint8_t, 4>& qh, size_t e) {
  return ((qh[e / 8] >> (e % 8)) & 1) << 4;
}

void decode_q8_0(const BlockQ8_0& b, Out out) {
  const float d = half_to_float(b.d);
  for (size_t e = 0; e < 32; ++e) out[e] = d * static_cast<float>(b.qs[e]);
}

void decode_q4_0(const BlockQ4_0& b, Out out) {
  const float d = half_to_float(b.d);
  for (size_t j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>((b.qs[j] & 15) - 8);
    out[j + 16] = d * static_cast<float>((b.qs[j] >> 4) - 8);
  }
}

void decode_q4_1(const BlockQ4_1& b, Out out) {
  const float d = half_to_float(b.d);
  const float m = half_to_float(b.m);
  for (size_t j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>(b.qs[j] & 15) + m;
    out[j + 16] = d * static_cast<float>(b.qs[j] >> 4) + m;
  }
}

void decode_q5_0(const BlockQ5_0& b, Out out) {
  const float d = half_to_float(b.d);
  for (size_t j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>(((b.qs[j] & 15) | high_bit(b.qh, j)) - 16);
    out[j + 16] = d * static_cast<float>(((b.qs[j] >> 4) | high_bit(b.qh, j + 16)) - 16);
  }
}

void decode_q5_1(const BlockQ5_1& b, Out out) {
  const float d = half_to_float(b.d);
  const float m = half_to_float(b.m);
  for (size_t j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>((b.qs[j] & 15) | high_bit(b.qh, j)) + m;
    out[j + 16] = d * static_cast<float>((b.qs[j] >> 4) | high_bit(b.qh, j + 16)) + m;
  }
}

}  // namespace

std::span<const Format> legacy_formats() {
  static constexpr Format kFormats[] = {
      {DType::kQ4_0, decode_row<BlockQ4_0, 32, decode_q4_0>, nullptr, find_non_finite_block<BlockQ4_0, 32>},
      {DType::kQ4_1, decode_row<BlockQ4_1, 32, decode_q4_1>, nullptr, find_non_finite_block<BlockQ4_1, 32>},
      {DType::kQ5_0, decode_row<BlockQ5_0, 32, decode_q5_0>, nullptr, find_non_finite_block<BlockQ5_0, 32>},
      {DType::kQ5_1, decode_row<BlockQ5_1, 32, decode_q5_1>, nullptr, find_non_finite_block<BlockQ5_1, 32>},
      {DType::kQ8_0, decode_row<BlockQ8_0, 32, decode_q8_0>, nullptr, find_non_finite_block<BlockQ8_0, 32>},
  };
  return kFormats;
}

}  // namespace adder
