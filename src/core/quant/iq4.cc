#include "core/quant/encoder.h"

namespace adder {
namespace {

/// Of eight groups.
using Levels = std::array<uint8_t, 256>;

Levels choose_levels(const Searches& s, const Groups& x, const Lane8& scale) {
  Groups q;
  s.round_iq4(x, finite_inverse(scale), q);
  Levels levels;
  s.store(q, 32, levels.data());
  return levels;
}

/// Nibbles of the blocks, one after the other.
uint8_t nibbles(const Levels& q, size_t byte) {
  const uint8_t* const low = &q[byte / 16 * 32 + byte % 16];
  return static_cast<uint8_t>(low[0] | low[16] << 4);
}

struct IQ4_NL {
  static constexpr DType kType = DType::kIQ4_NL;
  static constexpr size_t kSize = 32;
  using Block = BlockIQ4_NL;

  static void decode(const Block& b, std::span<float, kSize> out) {
    const float d = half_to_float(b.d);
    for (size_t j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>(kIq4Levels[b.qs[j] & 15]);
      out[j + 16] = d * static_cast<float>(kIq4Levels[b.qs[j] >> 4]);
    }
  }

  static void encode(const Searches& s, const Groups& x, const RowWeights* weights, std::array<Block, kLanes>& out) {
    Groups w;
    s.plain_weights(x, 32, PlainWeight::kSquare, w);
    if (weights) {
      Lane8 variance;  // of the block, not of the row
      s.total(w, 32, variance);
      for (float& v : variance.v) v /= 16;  // twice the mean
      s.weigh(x, weights->importance, 32, variance, w);
    }
    Lane8 scale;
    s.iq4_scale(x, w, scale);
    const Levels q = choose_levels(s, x, scale);
    for (size_t j = 0; j < kLanes; ++j) {
      out[j].d = float_to_half(scale.v[j]);
      for (size_t b = 0; b < 16; ++b) out[j].qs[b] = nibbles(q, 16 * j + b);
    }
  }
};

struct IQ4_XS {
  static constexpr DType kType = DType::kIQ4_XS;
  static constexpr size_t kSize = 256;
  using Block = BlockIQ4_XS;

  static void decode(const Block& b, std::span<float, kSize> out) {
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

  /// The levels are chosen for the exact d, before it is rounded to a half.
  static Block encode(const Searches& s, const float* x, const float* importance) {
    Groups v, w;
    s.load(x, 32, v);
    Lane8 scale;
    if (importance) {
      std::ranges::fill(scale.v, 2 * mean_square({x, 256}));
      s.load(importance, 32, w);
      s.weigh(v, w, 32, scale, w);
    } else {
      s.plain_weights(v, 32, PlainWeight::kSquare, w);
    }
    s.iq4_scale(v, w, scale);
    const float d = -signed_max(scale.v) / 32.0f;
    const float inverse = finite_inverse(d);
    Block b{float_to_half(d), 0, {}, {}};
    for (size_t j = 0; j < kLanes; ++j) {
      const int level = nearest_level(inverse * scale.v[j], -32, 31);
      scale.v[j] = d * static_cast<float>(level);
      b.scales_l[j / 2] = static_cast<uint8_t>(b.scales_l[j / 2] | ((level + 32) & 15) << (4 * (j % 2)));
      b.scales_h = static_cast<uint16_t>(b.scales_h | (level + 32) >> 4 << (2 * j));
    }
    const Levels q = choose_levels(s, v, scale);
    for (size_t byte = 0; byte < 128; ++byte) b.qs[byte] = nibbles(q, byte);
    return b;
  }
};

}  // namespace

std::span<const Format> iq4_formats() {
  static constexpr Format kFormats[] = {block_format<IQ4_NL>(), block_format<IQ4_XS>()};
  return kFormats;
}

}  // namespace adder
