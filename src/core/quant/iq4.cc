#include <algorithm>

#include "core/quant/format_table.h"
#include "core/quant/search.h"

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

/// Index of the level nearest to v, the upper one when v lies half-way.
uint8_t nearest_iq4(float v) {
  const auto above =
      std::ranges::lower_bound(kIq4Levels, v, {}, [](int8_t level) { return static_cast<float>(level); });
  if (above == kIq4Levels.begin()) return 0;
  if (above == kIq4Levels.end()) return 15;
  const auto below = above - 1;
  const bool take_below = v - static_cast<float>(*below) < static_cast<float>(*above) - v;
  return static_cast<uint8_t>((take_below ? below : above) - kIq4Levels.begin());
}

/// As `search_signed_scale`, over levels that are not evenly spaced: the element of largest magnitude is tried at +127
/// and at -127 -7 .. -127 +7, 0 when all x are below 1e-15.
float search_iq4_scale(std::span<const float, 32> x, std::span<const float, 32> weights) {
  constexpr float kNegligible = 1e-15f;
  constexpr int kSteps = 7;
  const float max = signed_max(x);
  if (std::fabs(max) < kNegligible) return 0;

  float scale = 0, explained = 0;
  const auto consider = [&](float inverse) {
    float sum_xq = 0, sum_qq = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const float level = static_cast<float>(kIq4Levels[nearest_iq4(inverse * x[i])]);
      sum_xq += weights[i] * level * x[i];
      sum_qq += weights[i] * level * level;
    }
    if (sum_qq > 0 && sum_xq * sum_xq > explained * sum_qq) {
      scale = sum_xq / sum_qq;
      explained = scale * sum_xq;
    }
  };
  const float lowest = static_cast<float>(kIq4Levels[0]);
  consider(1.0f / (max / -lowest));
  for (int s = -kSteps; s <= kSteps; ++s) consider((static_cast<float>(s) + lowest) / max);
  return scale;
}

BlockIQ4_NL encode_iq4_nl(std::span<const float, 32> x, std::span<const float> importance) {
  std::array<float, 32> weights;
  if (importance.empty())
    std::ranges::transform(x, weights.begin(), [](float v) { return v * v; });
  else
    weigh(x, importance, 2 * sum_of_squares(x) / 32.0f, weights);
  const float scale = search_iq4_scale(x, weights);
  const float inverse = finite_inverse(scale);
  BlockIQ4_NL b{float_to_half(scale), {}};
  for (size_t j = 0; j < 16; ++j)
    b.qs[j] = static_cast<uint8_t>(nearest_iq4(x[j] * inverse) | (nearest_iq4(x[j + 16] * inverse) << 4));
  return b;
}

}  // namespace

std::span<const Format> iq4_formats() {
  static constexpr Format kFormats[] = {
      {DType::kIQ4_NL, decode_row<BlockIQ4_NL, 32, decode_iq4_nl>, encode_row<BlockIQ4_NL, 32, encode_iq4_nl>,
       find_non_finite_block<BlockIQ4_NL, 32>},
      {DType::kIQ4_XS, decode_row<BlockIQ4_XS, 256, decode_iq4_xs>, nullptr, find_non_finite_block<BlockIQ4_XS, 256>},
  };
  return kFormats;
}

}  // namespace adder
