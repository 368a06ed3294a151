#include <algorithm>

#include "core/quant/format_table.h"
#include "core/quant/search.h"

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

// Encoding. The levels are chosen for the exact scale, before it is rounded to a half.

using In = std::span<const float, 32>;
using Levels = std::array<uint8_t, 32>;

constexpr float kLargestHalf = 65504.0f;

/// The importance of a block, if there is any, and the mean square of the row.
struct RowWeights {
  std::span<const float> importance;
  float variance = 0;

  std::array<float, 32> of(In x) const {
    std::array<float, 32> weights;
    weigh(x, importance, variance, weights);
    return weights;
  }
};

template <class Block, Block (*kEncode)(In, const RowWeights&)>
void encode_row_of(std::span<const float> x, std::span<const float> importance, std::byte* out) {
  RowWeights weights;
  if (!importance.empty()) weights.variance = sum_of_squares(x) / static_cast<float>(x.size());
  for (size_t i = 0; i < x.size(); i += 32, out += sizeof(Block)) {
    if (!importance.empty()) weights.importance = importance.subspan(i, 32);
    const Block block = kEncode(x.subspan(i).first<32>(), weights);
    std::memcpy(out, &block, sizeof block);
  }
}

std::array<uint8_t, 16> pack_nibbles(const Levels& q) {
  std::array<uint8_t, 16> qs;
  for (size_t j = 0; j < 16; ++j) qs[j] = static_cast<uint8_t>((q[j] & 15) | ((q[j + 16] & 15) << 4));
  return qs;
}

std::array<uint8_t, 4> pack_high_bits(const Levels& q) {
  std::array<uint8_t, 4> qh{};
  for (size_t e = 0; e < 32; ++e) qh[e / 8] = static_cast<uint8_t>(qh[e / 8] | ((q[e] >> 4) << (e % 8)));
  return qh;
}

BlockQ8_0 encode_q8_0(In x, const RowWeights& /*row*/) {
  const float d = std::fabs(signed_max(x)) / 127.0f;
  const float inverse = finite_inverse(d);
  BlockQ8_0 b;
  b.d = float_to_half(d);
  for (size_t e = 0; e < 32; ++e) b.qs[e] = static_cast<int8_t>(std::round(x[e] * inverse));  // halves away from zero
  return b;
}

/// Q4_0 and Q5_0: the element of largest magnitude sits exactly at the lowest of 2 `offset` levels.
struct Symmetric {
  uint16_t d;
  Levels q;
};
Symmetric symmetric(In x, const RowWeights& row, int offset) {
  if (!row.importance.empty()) {
    Symmetric s;
    s.d = float_to_half(search_signed_scale(x, row.of(x), offset, s.q));
    return s;
  }
  const float d = signed_max(x) / -static_cast<float>(offset);
  const float inverse = finite_inverse(d);
  Symmetric s{float_to_half(d), {}};
  for (size_t e = 0; e < 32; ++e) {
    const int level = static_cast<int>(x[e] * inverse + (static_cast<float>(offset) + 0.5f));
    s.q[e] = static_cast<uint8_t>(std::min(level, 2 * offset - 1));
  }
  return s;
}

/// Q4_1 and Q5_1: levels 0 .. top from the smallest to the largest element.
struct Affine {
  uint16_t d, m;
  Levels q;
};
Affine affine(In x, const RowWeights& row, int top) {
  if (!row.importance.empty()) {
    Affine a;
    const ScaleMin found = search_scale_min(x, row.of(x), top, kFineGrid, a.q);
    a.d = float_to_half(found.scale);
    a.m = float_to_half(std::max(-found.min, -kLargestHalf));  // the fit may lie beyond the smallest element
    return a;
  }
  const float min = std::ranges::min(x);
  const float d = (std::ranges::max(x) - min) / static_cast<float>(top);
  const float inverse = finite_inverse(d);
  Affine a{float_to_half(d), float_to_half(min), {}};
  for (size_t e = 0; e < 32; ++e)
    a.q[e] = static_cast<uint8_t>(std::min(static_cast<int>((x[e] - min) * inverse + 0.5f), top));
  return a;
}

BlockQ4_0 encode_q4_0(In x, const RowWeights& row) {
  const Symmetric s = symmetric(x, row, 8);
  return {s.d, pack_nibbles(s.q)};
}

BlockQ5_0 encode_q5_0(In x, const RowWeights& row) {
  const Symmetric s = symmetric(x, row, 16);
  return {s.d, pack_high_bits(s.q), pack_nibbles(s.q)};
}

BlockQ4_1 encode_q4_1(In x, const RowWeights& row) {
  const Affine a = affine(x, row, 15);
  return {a.d, a.m, pack_nibbles(a.q)};
}

BlockQ5_1 encode_q5_1(In x, const RowWeights& row) {
  const Affine a = affine(x, row, 31);
  return {a.d, a.m, pack_high_bits(a.q), pack_nibbles(a.q)};
}

}  // namespace

std::span<const Format> legacy_formats() {
  static constexpr Format kFormats[] = {
      {DType::kQ4_0, decode_row<BlockQ4_0, 32, decode_q4_0>, encode_row_of<BlockQ4_0, encode_q4_0>,
       find_non_finite_block<BlockQ4_0, 32>},
      {DType::kQ4_1, decode_row<BlockQ4_1, 32, decode_q4_1>, encode_row_of<BlockQ4_1, encode_q4_1>,
       find_non_finite_block<BlockQ4_1, 32>},
      {DType::kQ5_0, decode_row<BlockQ5_0, 32, decode_q5_0>, encode_row_of<BlockQ5_0, encode_q5_0>,
       find_non_finite_block<BlockQ5_0, 32>},
      {DType::kQ5_1, decode_row<BlockQ5_1, 32, decode_q5_1>, encode_row_of<BlockQ5_1, encode_q5_1>,
       find_non_finite_block<BlockQ5_1, 32>},
      {DType::kQ8_0, decode_row<BlockQ8_0, 32, decode_q8_0>, encode_row_of<BlockQ8_0, encode_q8_0>,
       find_non_finite_block<BlockQ8_0, 32>},
  };
  return kFormats;
}

}  // namespace adder
