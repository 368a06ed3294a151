#include <cmath>

#include "core/quant/encoder.h"

namespace adder {
namespace {

constexpr size_t kSize = 32;
using Out = std::span<float, kSize>;

/// Fifth bit of element e, in place.
int high_bit(const std::array<uint8_t, 4>& qh, size_t e) {
  return ((qh[e / 8] >> (e % 8)) & 1) << 4;
}

// Encoding. The levels are chosen for the exact scale, before it is rounded to a half.

/// Of eight blocks.
using Halves = std::array<uint16_t, kLanes>;
using Levels = std::array<std::array<uint8_t, kSize>, kLanes>;

/// A fit may lie beyond the smallest element.
Halves to_halves(const Lane8& v) {
  constexpr float kLargest = 65504.0f;
  Halves halves;
  for (size_t j = 0; j < kLanes; ++j) halves[j] = float_to_half(std::clamp(v.v[j], -kLargest, kLargest));
  return halves;
}

Lane8 divided(const Lane8& v, float by) {
  Lane8 out;
  for (size_t j = 0; j < kLanes; ++j) out.v[j] = v.v[j] / by;
  return out;
}

std::array<uint8_t, 16> pack_nibbles(const std::array<uint8_t, kSize>& q) {
  std::array<uint8_t, 16> qs;
  for (size_t j = 0; j < 16; ++j) qs[j] = static_cast<uint8_t>((q[j] & 15) | ((q[j + 16] & 15) << 4));
  return qs;
}

std::array<uint8_t, 4> pack_high_bits(const std::array<uint8_t, kSize>& q) {
  std::array<uint8_t, 4> qh;
  for (size_t b = 0; b < 4; ++b) {
    uint64_t eight;
    std::memcpy(&eight, &q[8 * b], 8);
    // The product moves the bit of byte k to 56 + k; no two others land on one place.
    qh[b] = static_cast<uint8_t>(((eight >> 4 & 0x0101010101010101u) * 0x0102040810204080u) >> 56);
  }
  return qh;
}

/// Q4_0 and Q5_0: the element of largest magnitude sits at the lowest of 2 `offset` levels, exactly so if there is no
/// importance.
struct Symmetric {
  Halves d;
  Levels q;

  Symmetric(const Searches& s, const Groups& x, const RowWeights* weights, int offset) {
    Groups levels;
    Lane8 scale;
    if (weights) {
      Groups w;
      s.weigh(x, weights->importance, kSize, weights->variance, w);
      s.signed_scale(x, w, kSize, offset, levels, scale);
    } else {
      s.signed_max(x, kSize, scale);
      scale = divided(scale, -static_cast<float>(offset));
      s.truncate(x, finite_inverse(scale), Lane8{}, static_cast<float>(offset) + 0.5f, 2 * offset - 1, levels);
    }
    d = to_halves(scale);
    s.store(levels, kSize, q[0].data());
  }
};

/// Q4_1 and Q5_1: levels 0 .. top, without importance from the smallest to the largest element.
struct Affine {
  Halves d, m;
  Levels q;

  Affine(const Searches& s, const Groups& x, const RowWeights* weights, int top) {
    Groups levels;
    Lane8 scale, low, high;
    if (weights) {
      Groups w;
      s.weigh(x, weights->importance, kSize, weights->variance, w);
      s.scale_min(x, w, kSize, top, kFineGrid, Loss::kSquared, levels, scale, low);
      low = divided(low, -1);
    } else {
      s.range(x, kSize, low, high);
      for (size_t j = 0; j < kLanes; ++j) scale.v[j] = (high.v[j] - low.v[j]) / static_cast<float>(top);
      s.truncate(x, finite_inverse(scale), low, 0.5f, top, levels);
    }
    d = to_halves(scale);
    m = to_halves(low);
    s.store(levels, kSize, q[0].data());
  }
};

struct Q8_0 {
  static constexpr DType kType = DType::kQ8_0;
  static constexpr size_t kSize = 32;
  using Block = BlockQ8_0;

  static void decode(const Block& b, Out out) {
    const float d = half_to_float(b.d);
    for (size_t e = 0; e < kSize; ++e) out[e] = d * static_cast<float>(b.qs[e]);
  }

  /// Rounds halves away from zero; importance has no say.
  static void encode(const Searches& s, const Groups& x, const RowWeights* /*weights*/,
                     std::array<Block, kLanes>& out) {
    Lane8 max;
    s.signed_max(x, kSize, max);
    for (float& v : max.v) v = std::fabs(v);
    const Lane8 scale = divided(max, 127);
    Groups levels;
    s.round_away(x, finite_inverse(scale), levels);
    const Halves d = to_halves(scale);
    Levels q;
    s.store(levels, kSize, q[0].data());
    for (size_t j = 0; j < kLanes; ++j) {
      out[j].d = d[j];
      for (size_t e = 0; e < kSize; ++e) out[j].qs[e] = static_cast<int8_t>(q[j][e] - 128);
    }
  }
};

struct Q4_0 {
  static constexpr DType kType = DType::kQ4_0;
  static constexpr size_t kSize = 32;
  using Block = BlockQ4_0;

  static void decode(const Block& b, Out out) {
    const float d = half_to_float(b.d);
    for (size_t j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>((b.qs[j] & 15) - 8);
      out[j + 16] = d * static_cast<float>((b.qs[j] >> 4) - 8);
    }
  }

  static void encode(const Searches& s, const Groups& x, const RowWeights* weights, std::array<Block, kLanes>& out) {
    const Symmetric b(s, x, weights, 8);
    for (size_t j = 0; j < kLanes; ++j) out[j] = {b.d[j], pack_nibbles(b.q[j])};
  }
};

struct Q5_0 {
  static constexpr DType kType = DType::kQ5_0;
  static constexpr size_t kSize = 32;
  using Block = BlockQ5_0;

  static void decode(const Block& b, Out out) {
    const float d = half_to_float(b.d);
    for (size_t j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>(((b.qs[j] & 15) | high_bit(b.qh, j)) - 16);
      out[j + 16] = d * static_cast<float>(((b.qs[j] >> 4) | high_bit(b.qh, j + 16)) - 16);
    }
  }

  static void encode(const Searches& s, const Groups& x, const RowWeights* weights, std::array<Block, kLanes>& out) {
    const Symmetric b(s, x, weights, 16);
    for (size_t j = 0; j < kLanes; ++j) out[j] = {b.d[j], pack_high_bits(b.q[j]), pack_nibbles(b.q[j])};
  }
};

struct Q4_1 {
  static constexpr DType kType = DType::kQ4_1;
  static constexpr size_t kSize = 32;
  using Block = BlockQ4_1;

  static void decode(const Block& b, Out out) {
    const float d = half_to_float(b.d);
    const float m = half_to_float(b.m);
    for (size_t j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>(b.qs[j] & 15) + m;
      out[j + 16] = d * static_cast<float>(b.qs[j] >> 4) + m;
    }
  }

  static void encode(const Searches& s, const Groups& x, const RowWeights* weights, std::array<Block, kLanes>& out) {
    const Affine b(s, x, weights, 15);
    for (size_t j = 0; j < kLanes; ++j) out[j] = {b.d[j], b.m[j], pack_nibbles(b.q[j])};
  }
};

struct Q5_1 {
  static constexpr DType kType = DType::kQ5_1;
  static constexpr size_t kSize = 32;
  using Block = BlockQ5_1;

  static void decode(const Block& b, Out out) {
    const float d = half_to_float(b.d);
    const float m = half_to_float(b.m);
    for (size_t j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>((b.qs[j] & 15) | high_bit(b.qh, j)) + m;
      out[j + 16] = d * static_cast<float>((b.qs[j] >> 4) | high_bit(b.qh, j + 16)) + m;
    }
  }

  static void encode(const Searches& s, const Groups& x, const RowWeights* weights, std::array<Block, kLanes>& out) {
    const Affine b(s, x, weights, 31);
    for (size_t j = 0; j < kLanes; ++j) out[j] = {b.d[j], b.m[j], pack_high_bits(b.q[j]), pack_nibbles(b.q[j])};
  }
};

}  // namespace

std::span<const Format> legacy_formats() {
  static constexpr Format kFormats[] = {block_format<Q4_0>(), block_format<Q4_1>(), block_format<Q5_0>(),
                                        block_format<Q5_1>(), block_format<Q8_0>()};
  return kFormats;
}

}  // namespace adder
