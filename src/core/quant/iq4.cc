#include "core/quant/format_table.h"

namespace adder {
namespace {

void decode_iq4_nl(const BlockIQ4_NL& b, std::span<float, 32> out) {
  const float d = half_to_float(b.d);
  for (size_t j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>(kIq4Levels[b.qs[j] & 15]);
    out[j + 16] = d * static_cast<float>(kIq4Levels[b.qs[j] >> 4]);
  }
}

void decode_iq4_xs(const BlockIQ4_XS& b, std::span<float, 256> out) {
  const float d = half_to_float(b.d);
  for (size_t e = 0; e < 256; ++e) {
    const size_t j = e / 32;
    const int low = (b.scales_l[j / 2] >> (4 * (j % 2))) & 15;
    const int high = (b.scales_h >> (2 * j)) & 3;
    const int q = (b.qs[16 * j + e % 16] >> (4 * (e / 16 % 2))) & 15;
    out[e] =
        (d * static_cast<float>((low | (high << 4)) - 32)) * static_cast<float>(kIq4Levels[static_cast<size_t>(q)]);
  }
}

}  // namespace

std::span<const Format> iq4_formats() {
  static constexpr Format kFormats[] = {
      {DType::kIQ4_NL, decode_row<BlockIQ4_NL, 32, decode_iq4_nl>, nullptr, find_non_finite_block<BlockIQ4_NL, 32>},
      {DType::kIQ4_XS, decode_row<BlockIQ4_XS, 256, decode_iq4_xs>, nullptr, find_non_finite_block<BlockIQ4_XS, 256>},
  };
  return kFormats;
}

}  // namespace adder
