#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include "core/quant/format_table.h"
#include "core/quant/search.h"

namespace adder {

/// From a type's code for some blocks to a row of the format table. A block type is a struct with
///
///   static constexpr DType kType;
///   static constexpr size_t kSize;    elements of a block
///   using Block = BlockQ4_0;          its layout in blocks.h
///   static void decode(const Block&, std::span<float, kSize>);
///
/// and either, for blocks of 256, where `importance` is null or has as many elements as x,
///
///   static Block encode(const Searches&, const float* x, const float* importance);
///
/// or, for blocks of 32, eight at a time,
///
///   static void encode(const Searches&, const Groups& x, const RowWeights*, std::array<Block, kLanes>& out);

/// The importance of eight blocks, and the mean square of the row.
struct RowWeights {
  Groups importance;
  Lane8 variance;
};

template <class Type>
void encode_super_blocks(const Searches& s, std::span<const float> x, std::span<const float> importance,
                         std::byte* out) {
  for (size_t i = 0; i < x.size(); i += 256, out += sizeof(typename Type::Block)) {
    const typename Type::Block block = Type::encode(s, &x[i], importance.empty() ? nullptr : &importance[i]);
    std::memcpy(out, &block, sizeof block);
  }
}

/// Up to eight blocks of 32; beside the last ones of a row lie zeros.
inline void load_blocks(const Searches& s, std::span<const float> from, Groups& to) {
  std::array<float, 32 * kLanes> padded;
  if (from.size() < padded.size()) {
    std::fill(std::copy(from.begin(), from.end(), padded.begin()), padded.end(), 0.0f);
    from = padded;
  }
  s.load(from.data(), 32, to);
}

template <class Type>
void encode_blocks(const Searches& s, std::span<const float> x, std::span<const float> importance, std::byte* out) {
  RowWeights weights;
  if (!importance.empty()) std::ranges::fill(weights.variance.v, mean_square(x));
  for (size_t i = 0; i < x.size(); i += 32 * kLanes) {
    const size_t n = std::min(x.size() - i, 32 * kLanes);
    Groups groups;
    load_blocks(s, x.subspan(i, n), groups);
    if (!importance.empty()) load_blocks(s, importance.subspan(i, n), weights.importance);
    std::array<typename Type::Block, kLanes> blocks;
    Type::encode(s, groups, importance.empty() ? nullptr : &weights, blocks);
    const size_t bytes = n / 32 * sizeof(typename Type::Block);
    std::memcpy(out, blocks.data(), bytes);
    out += bytes;
  }
}

template <class Type>
void decode_row(const std::byte* blocks, std::span<float> out) {
  for (; !out.empty(); out = out.subspan(Type::kSize), blocks += sizeof(typename Type::Block))
    Type::decode(load_block<typename Type::Block>(blocks), out.template first<Type::kSize>());
}

template <class Type>
constexpr Format block_format() {
  EncodeRow encode = nullptr;
  if constexpr (Type::kSize == 256)
    encode = encode_super_blocks<Type>;
  else
    encode = encode_blocks<Type>;
  return {Type::kType, decode_row<Type>, encode, find_non_finite_block<typename Type::Block, Type::kSize>};
}

}  // namespace adder
