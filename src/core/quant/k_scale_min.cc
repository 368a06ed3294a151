#include "core/quant/encoder.h"

namespace adder {
namespace {

using Out = std::span<float, 256>;
using Levels = std::array<uint8_t, 256>;

int nibble(const std::array<uint8_t, 128>& qs, size_t e) {
  return (qs[e / 64 * 32 + e % 32] >> (4 * (e / 32 % 2))) & 15;
}

std::array<uint8_t, 128> pack_nibbles(const Levels& q) {
  std::array<uint8_t, 128> qs;
  for (size_t k = 0; k < 4; ++k)
    for (size_t l = 0; l < 32; ++l)
      qs[32 * k + l] = static_cast<uint8_t>((q[64 * k + l] & 15) | ((q[64 * k + 32 + l] & 15) << 4));
  return qs;
}

/// Encoding. Every sub-block finds its own scale and min, these are rounded to the grids of the super-block, and the
/// levels are then chosen again for the scales and mins that are stored. What differs from type to type:
struct Search {
  int levels;             ///< of an element, 0 .. levels
  int top;                ///< of the scales and mins
  ScaleMinGrid grid;      ///< without importance; kFineGrid with
  Loss loss;              ///< without importance; squared with
  PlainWeight weight;     ///< without importance
  float variance_factor;  ///< variance of the weights with importance, in mean squares of the super-block
};

/// Of a super-block with n_groups sub-blocks.
template <size_t n_groups>
struct ScaleMinBlock {
  uint16_t d, dmin;
  std::array<uint8_t, n_groups> scale, min;
  Levels q;

  ScaleMinBlock(const Searches& s, const Search& search, const float* x, const float* importance) {
    constexpr size_t kLength = 256 / n_groups;
    constexpr size_t kParts = n_groups / kLanes;
    constexpr size_t kPart = kLength * kLanes;
    Groups v[kParts], levels[kParts];
    Lane8 scales[kParts], mins[kParts], weights[kParts];
    Lane8 variance;
    if (importance) std::ranges::fill(variance.v, search.variance_factor * mean_square({x, 256}));
    for (size_t part = 0; part < kParts; ++part) {
      Groups w;
      s.load(x + kPart * part, kLength, v[part]);
      if (importance) {
        s.load(importance + kPart * part, kLength, w);
        s.weigh(v[part], w, kLength, variance, w);
      } else {
        s.plain_weights(v[part], kLength, search.weight, w);
      }
      s.total(w, kLength, weights[part]);
      s.scale_min(v[part], w, kLength, search.levels, importance ? kFineGrid : search.grid,
                  importance ? Loss::kSquared : search.loss, levels[part], scales[part], mins[part]);
    }

    /// Rounds them and leaves what will be decoded.
    const auto to_grid = [&](Lane8(&values)[kParts], std::array<uint8_t, n_groups>& rounded) {
      const std::span<float> all(values[0].v, n_groups);
      const uint16_t step = float_to_half(importance ? search_step(all, {weights[0].v, n_groups}, search.top, rounded)
                                                     : plain_step(all, search.top, rounded));
      for (size_t j = 0; j < n_groups; ++j) all[j] = half_to_float(step) * static_cast<float>(rounded[j]);
      return step;
    };
    d = to_grid(scales, scale);
    dmin = to_grid(mins, min);
    for (size_t part = 0; part < kParts; ++part) {
      s.round(v[part], kLength, scales[part], mins[part], 0, search.levels, levels[part]);
      s.store(levels[part], kLength, &q[kPart * part]);
    }
  }
};

struct Q2_K {
  static constexpr DType kType = DType::kQ2_K;
  static constexpr size_t kSize = 256;
  using Block = BlockQ2_K;

  static void decode(const Block& b, Out out) {
    const float d = half_to_float(b.d);
    const float dmin = half_to_float(b.dmin);
    for (size_t e = 0; e < 256; ++e) {
      const uint8_t s = b.scales[e / 16];
      const int q = (b.qs[e / 128 * 32 + e % 32] >> (2 * (e / 32 % 4))) & 3;
      out[e] = (d * static_cast<float>(s & 15)) * static_cast<float>(q) - dmin * static_cast<float>(s >> 4);
    }
  }

  static constexpr Search kSearch = {3, 15, {-0.5f, 0.1f, 15}, Loss::kAbsolute, PlainWeight::kMagnitude, 1};
  static Block encode(const Searches& s, const float* x, const float* importance) {
    const ScaleMinBlock<16> b(s, kSearch, x, importance);
    Block out{{}, {}, b.d, b.dmin};
    for (size_t j = 0; j < 16; ++j) out.scales[j] = static_cast<uint8_t>(b.scale[j] | (b.min[j] << 4));
    for (size_t e = 0; e < 256; ++e) {
      uint8_t& four = out.qs[e / 128 * 32 + e % 32];
      four = static_cast<uint8_t>(four | (b.q[e] << (2 * (e / 32 % 4))));
    }
    return out;
  }
};

struct Q4_K {
  static constexpr DType kType = DType::kQ4_K;
  static constexpr size_t kSize = 256;
  using Block = BlockQ4_K;

  static void decode(const Block& b, Out out) {
    const float d = half_to_float(b.d);
    const float dmin = half_to_float(b.dmin);
    const KScales s = unpack_k_scales(b.scales);
    for (size_t e = 0; e < 256; ++e) {
      const float scale = d * static_cast<float>(s.scale[e / 32]);
      out[e] = scale * static_cast<float>(nibble(b.qs, e)) - dmin * static_cast<float>(s.min[e / 32]);
    }
  }

  static constexpr Search kSearch = {15, 63, {-1.0f, 0.1f, 20}, Loss::kSquared, PlainWeight::kRmsMagnitude, 2};
  static Block encode(const Searches& s, const float* x, const float* importance) {
    const ScaleMinBlock<8> b(s, kSearch, x, importance);
    return {b.d, b.dmin, pack_k_scales({b.scale, b.min}), pack_nibbles(b.q)};
  }
};

struct Q5_K {
  static constexpr DType kType = DType::kQ5_K;
  static constexpr size_t kSize = 256;
  using Block = BlockQ5_K;

  static void decode(const Block& b, Out out) {
    const float d = half_to_float(b.d);
    const float dmin = half_to_float(b.dmin);
    const KScales s = unpack_k_scales(b.scales);
    for (size_t e = 0; e < 256; ++e) {
      const int high = (b.qh[e % 32] >> (e / 32)) & 1;
      const float scale = d * static_cast<float>(s.scale[e / 32]);
      out[e] = scale * static_cast<float>(nibble(b.qs, e) | (high << 4)) - dmin * static_cast<float>(s.min[e / 32]);
    }
  }

  static constexpr Search kSearch = {31, 63, {-0.5f, 0.1f, 15}, Loss::kSquared, PlainWeight::kRmsMagnitude, 2};
  static Block encode(const Searches& s, const float* x, const float* importance) {
    const ScaleMinBlock<8> b(s, kSearch, x, importance);
    Block out{b.d, b.dmin, pack_k_scales({b.scale, b.min}), {}, pack_nibbles(b.q)};
    for (size_t e = 0; e < 256; ++e)
      out.qh[e % 32] = static_cast<uint8_t>(out.qh[e % 32] | ((b.q[e] >> 4) << (e / 32)));
    return out;
  }
};

}  // namespace

std::span<const Format> scale_min_formats() {
  static constexpr Format kFormats[] = {block_format<Q2_K>(), block_format<Q4_K>(), block_format<Q5_K>()};
  return kFormats;
}

}  // namespace adder
