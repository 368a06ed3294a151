#pragma once

#include "run/kernels/ops.h"
#include "run/kernels/x86/bodies/lanes.h"

/// Products of bytes with AVX2, eight rows at a time: the level's part of q8/, whose names vnni.h has too.
namespace adder::ADDER_LEVEL {
namespace {

/// A tile of a panel (panel.h), and the most blocks of activations that meet weights not unpacked into one. Signed
/// weights cost two operations more with every activation, one of which a stream shares.
constexpr int kTileRegisters = 4;
template <class Format>
constexpr int kTileActivations = 1;
template <class Format>
constexpr int kMostStreamed = Format::kSigned ? 4 : 2;

inline __m128i load_8(const uint8_t* p) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
}
/// Four bytes of every row.
inline I load_bytes(const uint8_t* p) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
}
inline I set1_bytes(int x) {
  return _mm256_set1_epi8(static_cast<char>(x));
}
inline I set1_pairs(int x) {
  return _mm256_set1_epi16(static_cast<int16_t>(x));
}
/// Left for n >= 0, right by -n otherwise, in 16-bit lanes: bits that come from the neighbouring byte are masked away.
template <int n>
inline I shift_pairs(I x) {
  if constexpr (n == 0) return x;
  return n > 0 ? _mm256_slli_epi16(x, n > 0 ? n : 0) : _mm256_srli_epi16(x, n < 0 ? -n : 0);
}
/// table[index] by bytes.
inline I look_up(const int8_t (&table)[16], I index) {
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table))),
                             index);
}
/// One byte of every row.
inline F load_unsigned(const uint8_t* p) {
  return to_float(_mm256_cvtepu8_epi32(load_8(p)));
}

/// The multipliers m_0 and m_1 of the halves of a block, each twice, and what the offset makes of the two.
struct Halves {
  I m[2], offset;
};
template <class Format>
inline Halves halves(const uint8_t* m_0, const uint8_t* m_1) {
  const I pairs = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(load_8(m_0), load_8(m_1)));
  const I lanes = _mm256_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c, 0, 0x04040404, 0x08080808, 0x0c0c0c0c);
  return {{_mm256_shuffle_epi8(pairs, add(lanes, set1(0x01000100))),
           _mm256_shuffle_epi8(pairs, add(lanes, set1(0x03020302)))},
          _mm256_mullo_epi16(pairs, set1_pairs(-Format::kOffset))};
}

/// Levels as Dot takes them.
template <class Format>
inline I operand(I levels) {
  return levels;
}

/// S of ops.h for one block of activations and eight rows, four columns at a time.
template <class Format>
class Dot {
 public:
  Dot() = default;
  explicit Dot(const Q8Block&) {}

  template <int i, class Factors>
  void add_columns(I w, I x, const Factors& f) {
    const I p = products(w, x);
    pairs_ = i % kSteps == 0 ? p : _mm256_add_epi16(pairs_, p);
    if constexpr ((i + 1) % kSteps == 0) {
      I m = set1_pairs(1);
      if constexpr (Format::kHalves) m = f.halves.m[i / 4];
      const I s = _mm256_madd_epi16(pairs_, m);
      sum_ = i < kSteps ? s : add(sum_, s);
    }
  }

  /// Levels stand for q until here: what they lack is -kOffset (m_0 half_sums[0] + m_1 half_sums[1]).
  template <class Factors>
  F sum(const Q8Block& x, const Factors& f) const {
    if constexpr (Format::kHalves) {
      return to_float(add(sum_, _mm256_madd_epi16(set1_4(x.half_sums), f.halves.offset)));
    } else if constexpr (Format::kOffset != 0) {
      return to_float(add(sum_, _mm256_madd_epi16(set1_4(x.half_sums), set1_pairs(-Format::kOffset))));
    } else {
      return to_float(sum_);
    }
  }

 private:
  /// A pair stays inside 16 bits: 2 * 63 * 127, or 2 * 128 * 127 with a sign.
  static I products(I w, I x) {
    if constexpr (Format::kSigned) return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
    return _mm256_maddubs_epi16(w, x);
  }

  /// Products that may be added up in sixteen bits, by the largest level: eight of 15 * 127 * 2, four of 31 * 127 * 2,
  /// two of 63 * 127 * 2, one with a sign.
  static constexpr int kSteps = Format::kSigned ? 1 : Format::kBits == 4 ? 8 : Format::kBits == 5 ? 4 : 2;

  I pairs_{}, sum_{};
};

}  // namespace
}  // namespace adder::ADDER_LEVEL
