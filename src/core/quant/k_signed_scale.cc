#include "core/quant/encoder.h"

namespace adder {
namespace {

constexpr size_t kGroups = 16, kLength = 16;
constexpr size_t kParts = kGroups / kLanes, kPart = kLanes * kLength;
using Out = std::span<float, 256>;
using Levels = std::array<uint8_t, 256>;

// Encoding: every sub-block finds its own scale, the scales are rounded to the super-block's grid, and the levels are
// then chosen again for the scales that are stored.

/// A super-block, eight sub-blocks to a part.
struct Parts {
  Groups v[kParts];
};

void load(const Searches& s, const float* x, Parts& to) {
  for (size_t part = 0; part < kParts; ++part) s.load(x + kPart * part, kLength, to.v[part]);
}

/// A number of each sub-block.
struct Scales {
  Lane8 v[kParts];
  std::span<float, kGroups> all() { return std::span<float, kGroups>(v[0].v, kGroups); }
};

/// Levels -levels .. levels-1 for the scales d, where these are not 0; stored with `levels` added.
Levels choose_levels(const Searches& s, const Parts& x, const Scales& d, int levels, Parts& q) {
  Levels out;
  for (size_t part = 0; part < kParts; ++part) {
    s.round(x.v[part], kLength, d.v[part], Lane8{}, -levels, levels - 1, q.v[part]);
    s.store(q.v[part], kLength, &out[kPart * part]);
  }
  return out;
}

/// v ~ step (q - 32) of least weighted squared error.
float search_signed_step(const Searches& s, std::span<const float, kGroups> v, std::span<const float, kGroups> weights,
                         std::array<uint8_t, kGroups>& q) {
  Groups x, w, levels;  // the same in all lanes
  for (size_t j = 0; j < kGroups; ++j) {
    std::ranges::fill(x.v[j], v[j]);
    std::ranges::fill(w.v[j], weights[j]);
  }
  Lane8 step;
  s.signed_scale(x, w, kGroups, 32, levels, step);
  for (size_t j = 0; j < kGroups; ++j) q[j] = static_cast<uint8_t>(levels.v[j][0]);
  return step.v[0];
}

struct Q3_K {
  static constexpr DType kType = DType::kQ3_K;
  static constexpr size_t kSize = 256;
  using Block = BlockQ3_K;

  static void decode(const Block& b, Out out) {
    const float d = half_to_float(b.d);
    const auto scales = unpack_q3_scales(b.scales);
    for (size_t e = 0; e < 256; ++e) {
      const int low = (b.qs[e / 128 * 32 + e % 32] >> (2 * (e / 32 % 4))) & 3;
      const int high = (b.hmask[e % 32] >> (e / 32)) & 1;
      out[e] = (d * static_cast<float>(scales[e / 16] - 32)) * static_cast<float>((low | (high << 2)) - 4);
    }
  }

  static Block encode(const Searches& s, const float* x, const float* importance) {
    Parts v, q;
    load(s, x, v);
    Scales scale;
    std::array<uint8_t, kGroups> six_bits;
    Block b{};
    if (importance) {
      Parts w;
      load(s, importance, w);
      Scales weight;
      Lane8 variance;
      std::ranges::fill(variance.v, 2 * mean_square({x, 256}));
      for (size_t part = 0; part < kParts; ++part) {
        s.weigh(v.v[part], w.v[part], kLength, variance, w.v[part]);
        s.total(w.v[part], kLength, weight.v[part]);
        s.signed_scale(v.v[part], w.v[part], kLength, 4, q.v[part], scale.v[part]);
      }
      b.d = float_to_half(search_signed_step(s, scale.all(), weight.all(), six_bits));
    } else {
      for (size_t part = 0; part < kParts; ++part) s.descend(v.v[part], kLength, 4, q.v[part], scale.v[part]);
      const float largest = signed_max(scale.all());
      const float inverse = -32.0f / largest;
      b.d = largest == 0 ? uint16_t{0} : float_to_half(1.0f / inverse);
      for (size_t j = 0; j < kGroups; ++j)
        six_bits[j] = static_cast<uint8_t>(nearest_level(inverse * scale.all()[j], -32, 31) + 32);
    }
    b.scales = pack_q3_scales(six_bits);
    for (size_t j = 0; j < kGroups; ++j) scale.all()[j] = half_to_float(b.d) * static_cast<float>(six_bits[j] - 32);
    const Levels levels = choose_levels(s, v, scale, 4, q);
    for (size_t e = 0; e < 256; ++e) {
      uint8_t& low = b.qs[e / 128 * 32 + e % 32];
      low = static_cast<uint8_t>(low | ((levels[e] & 3) << (2 * (e / 32 % 4))));
      b.hmask[e % 32] = static_cast<uint8_t>(b.hmask[e % 32] | ((levels[e] >> 2) << (e / 32)));
    }
    return b;
  }
};

struct Q6_K {
  static constexpr DType kType = DType::kQ6_K;
  static constexpr size_t kSize = 256;
  using Block = BlockQ6_K;

  static void decode(const Block& b, Out out) {
    const float d = half_to_float(b.d);
    for (size_t e = 0; e < 256; ++e) {
      const size_t half = e / 128, k = e / 32 % 4, l = e % 32;
      const int low = (b.ql[64 * half + 32 * (k % 2) + l] >> (4 * (k / 2))) & 15;
      const int high = (b.qh[32 * half + l] >> (2 * k)) & 3;
      out[e] = (d * static_cast<float>(b.scales[e / 16])) * static_cast<float>((low | (high << 4)) - 32);
    }
  }

  static Block encode(const Searches& s, const float* x, const float* importance) {
    Parts v, w, q;
    load(s, x, v);
    if (importance) load(s, importance, w);
    Scales scale;
    for (size_t part = 0; part < kParts; ++part) {
      if (!importance) s.plain_weights(v.v[part], kLength, PlainWeight::kSquare, w.v[part]);
      s.signed_scale(v.v[part], w.v[part], kLength, 32, q.v[part], scale.v[part]);
    }
    Block b{};
    const float largest = signed_max(scale.all());
    if (largest == 0) return b;

    const float inverse = -128.0f / largest;
    b.d = float_to_half(1.0f / inverse);
    for (size_t j = 0; j < kGroups; ++j) {
      b.scales[j] = static_cast<int8_t>(nearest_level(inverse * scale.all()[j], -128, 127));
      scale.all()[j] = half_to_float(b.d) * static_cast<float>(b.scales[j]);
    }
    const Levels levels = choose_levels(s, v, scale, 32, q);
    for (size_t half = 0; half < 2; ++half)
      for (size_t l = 0; l < 32; ++l) {
        const uint8_t* const e = &levels[128 * half + l];
        b.ql[64 * half + l] = static_cast<uint8_t>((e[0] & 15) | (e[64] & 15) << 4);
        b.ql[64 * half + 32 + l] = static_cast<uint8_t>((e[32] & 15) | (e[96] & 15) << 4);
        b.qh[32 * half + l] = static_cast<uint8_t>(e[0] >> 4 | e[32] >> 4 << 2 | e[64] >> 4 << 4 | e[96] >> 4 << 6);
      }
    return b;
  }
};

}  // namespace

std::span<const Format> signed_scale_formats() {
  static constexpr Format kFormats[] = {block_format<Q3_K>(), block_format<Q6_K>()};
  return kFormats;
}

}  // namespace adder
