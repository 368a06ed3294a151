#pragma once

#include <type_traits>

#include "run/kernels/x86/flat.h"

/// Packed matrices (packed.h) kWidth rows at a time, a group or half of one. A format says
///   kBits, kOffset, kSigned   the level's width; q = level - kOffset, or the level is a signed byte
///   kBlocks, kHeader, kScales blocks of 32 columns in a unit, bytes before them, bytes before the levels of each
///   kBias, kHalves            whether w has a bias, whether halves of a block have a multiplier of their own
namespace adder::ADDER_LEVEL {
namespace {

constexpr int kGroupRows = 16, kGroupRegisters = kGroupRows / kWidth;

template <int bits, int offset, bool bias>
struct Plain {
  static constexpr int kBits = bits, kOffset = offset, kBlocks = 1, kHeader = bias ? 64 : 32, kScales = 0;
  static constexpr bool kSigned = bits == 8, kBias = bias, kHalves = false;
};
using Q8_0 = Plain<8, 0, false>;
using Q4_0 = Plain<4, 8, false>;
using Q4_1 = Plain<4, 0, true>;
using Q5_0 = Plain<5, 16, false>;
using Q5_1 = Plain<5, 0, true>;
struct IQ4_NL : Plain<4, 0, false> {
  static constexpr bool kSigned = true;
};

template <int bits>
struct WithKScales {
  static constexpr int kBits = bits, kOffset = 0, kBlocks = 8, kHeader = 64, kScales = 32;
  static constexpr bool kSigned = false, kBias = true, kHalves = false;
};
using Q4_K = WithKScales<4>;
using Q5_K = WithKScales<5>;

struct Q6_K {
  static constexpr int kBits = 6, kOffset = 32, kBlocks = 8, kHeader = 32, kScales = 32;
  static constexpr bool kSigned = false, kBias = false, kHalves = true;
};

template <class Format>
constexpr int kBlockBytes = Format::kScales + 64 * Format::kBits;
template <class Format>
constexpr int kUnitBytes = Format::kHeader + Format::kBlocks* kBlockBytes<Format>;

constexpr int8_t kIQ4Levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// Levels of columns 4 i .. 4 i + 3 of a block; q is where those of the first row begin.
template <class Format, int i>
inline I levels(const uint8_t* q) {
  if constexpr (Format::kBits == 8) return load_bytes(q + 64 * i);
  const I low = bit_and(shift_pairs < i < 4 ? 0 : -4 > (load_bytes(q + i % 4 * 64)), set1_bytes(15));
  if constexpr (Format::kBits == 5) {
    return bit_or(low, bit_and(shift_pairs<4 - i>(load_bytes(q + 256)), set1_bytes(0x10)));
  } else if constexpr (Format::kBits == 6) {
    return bit_or(low, bit_and(shift_pairs<4 - i % 4 * 2>(load_bytes(q + 256 + i / 4 * 64)), set1_bytes(0x30)));
  } else if constexpr (Format::kSigned) {
    return look_up(kIQ4Levels, low);
  } else {
    return low;
  }
}

struct Nothing {};
struct Bias {
  F value;
};

/// What a block brings beside its levels, by rows; what a format lacks takes no space.
template <class Format>
struct Factors {
  F d;
  [[no_unique_address]] std::conditional_t<Format::kBias, Bias, Nothing> bias;
  [[no_unique_address]] std::conditional_t<Format::kHalves, Halves, Nothing> halves;
};

/// A block as it lies in the packed matrix, from row `first` of its group on: levels are unpacked on their way into a
/// register.
template <class Format>
struct PackedBlock {
  const uint8_t* q;
  Factors<Format> factors;

  PackedBlock(const uint8_t* unit, const uint8_t* block, int first) : q(block + Format::kScales + 4 * first) {
    const auto half = [&](int at) { return load(reinterpret_cast<const Half*>(unit + at) + first); };
    factors.d = half(0);
    if constexpr (Format::kBias) factors.bias.value = half(2 * kGroupRows);
    const uint8_t* const scales = block + first;
    if constexpr (Format::kHalves) {
      factors.halves = halves<Format>(scales, scales + kGroupRows);
    } else if constexpr (Format::kScales > 0) {
      factors.d = mul(factors.d, load_unsigned(scales));
      factors.bias.value = mul(negate(factors.bias.value), load_unsigned(scales + kGroupRows));
    }
  }

  template <int i>
  I columns() const {
    return operand<Format>(levels<Format, i>(q));
  }
};

}  // namespace
}  // namespace adder::ADDER_LEVEL
