#pragma once

#include <immintrin.h>

#include <cstdint>

/// Packed matrices (packed.h) eight rows at a time, half a group. A format says
///   kBits, kOffset, kSigned   the level's width; q = level - kOffset, or the level is a signed byte
///   kBlocks, kHeader, kScales blocks of 32 columns in a unit, bytes before them, bytes before the levels of each
///   kBias, kHalves            whether w has a bias, whether halves of a block have a multiplier of their own
namespace adder::ADDER_LEVEL {
namespace {

constexpr int kGroupRows = 16;

inline __m256i byte_constant(int x) {
  return _mm256_set1_epi8(static_cast<char>(x));
}
inline __m128i load_16(const uint8_t* p) {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(p));
}
inline __m256i load_32(const uint8_t* p) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
}
inline __m128i load_8(const uint8_t* p) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
}

/// Left for n >= 0, right by -n otherwise, in 16-bit lanes: bits that come from the neighbouring byte are masked away.
template <int n>
inline __m256i shifted(__m256i x) {
  if constexpr (n == 0) return x;
  return n > 0 ? _mm256_slli_epi16(x, n > 0 ? n : 0) : _mm256_srli_epi16(x, n < 0 ? -n : 0);
}

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

/// Levels of columns 4 i .. 4 i + 3 of a block, lane r those of row r; q is where the block's levels begin, plus 32 for
/// the upper eight rows.
template <class Format, int i>
inline __m256i levels(const uint8_t* q) {
  if constexpr (Format::kBits == 8) return load_32(q + 64 * i);
  const __m256i low = _mm256_and_si256(shifted < i < 4 ? 0 : -4 > (load_32(q + i % 4 * 64)), byte_constant(15));
  if constexpr (Format::kBits == 5) {
    return _mm256_or_si256(low, _mm256_and_si256(shifted<4 - i>(load_32(q + 256)), byte_constant(0x10)));
  } else if constexpr (Format::kBits == 6) {
    const __m256i high = shifted<4 - i % 4 * 2>(load_32(q + 256 + i / 4 * 64));
    return _mm256_or_si256(low, _mm256_and_si256(high, byte_constant(0x30)));
  } else if constexpr (Format::kSigned) {
    const __m256i values = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113));
    return _mm256_shuffle_epi8(values, low);
  } else {
    return low;
  }
}

/// One lane, or pair of 16-bit halves, for each of eight rows; what a format lacks is never read.
struct Scales {
  __m256 d, bias;
  __m256i pairs;  ///< m_0 and m_1
};

/// Rows 8 half .. of a block.
template <class Format>
inline Scales scales(const uint8_t* unit, const uint8_t* block, int half) {
  Scales s;
  s.d = _mm256_cvtph_ps(load_16(unit + 16 * half));
  if constexpr (Format::kBias) s.bias = _mm256_cvtph_ps(load_16(unit + 32 + 16 * half));
  if constexpr (Format::kHalves) {
    s.pairs = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(load_8(block + 8 * half), load_8(block + 16 + 8 * half)));
  } else if constexpr (Format::kScales > 0) {
    const auto six_bits = [&](int at) {
      return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(load_8(block + at + 8 * half)));
    };
    s.d = _mm256_mul_ps(s.d, six_bits(0));
    s.bias = _mm256_mul_ps(_mm256_xor_ps(s.bias, _mm256_set1_ps(-0.0f)), six_bits(16));
  }
  return s;
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
