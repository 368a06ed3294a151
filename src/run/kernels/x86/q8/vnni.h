#pragma once

#include "run/kernels/ops.h"
#include "run/kernels/x86/bodies/lanes.h"

/// Products of bytes with AVX-512 VNNI, sixteen rows at a time: the names of maddubs.h, which explains them.
namespace adder::ADDER_LEVEL {
namespace {

/// Twelve chains of sums, or sixteen in pairs: an addition takes five cycles, and two begin in each.
constexpr int kTileRegisters = 2;
template <class Format>
constexpr int kTileActivations = Format::kHalves ? 4 : 6;
template <class Format>
constexpr int kMostStreamed = 8;

inline I load_bytes(const uint8_t* p) {
  return _mm512_loadu_si512(p);
}
inline I set1_bytes(int x) {
  return _mm512_set1_epi8(static_cast<char>(x));
}
template <int n>
inline I shift_pairs(I x) {
  if constexpr (n == 0) return x;
  return n > 0 ? _mm512_slli_epi16(x, n > 0 ? n : 0) : _mm512_srli_epi16(x, n < 0 ? -n : 0);
}
inline I look_up(const int8_t (&table)[16], I index) {
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table))), index);
}
inline __m128i load_16(const uint8_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
inline F load_unsigned(const uint8_t* p) {
  return to_float(_mm512_cvtepu8_epi32(load_16(p)));
}

struct Halves {
  F m[2];
};
template <class Format>
inline Halves halves(const uint8_t* m_0, const uint8_t* m_1) {
  return {{to_float(_mm512_cvtepi8_epi32(load_16(m_0))), to_float(_mm512_cvtepi8_epi32(load_16(m_1)))}};
}

/// vpdpbusd wants weights without a sign: those that have one are raised by 128.
template <class Format>
inline I operand(I levels) {
  return Format::kSigned ? _mm512_xor_si512(levels, set1_bytes(0x80)) : levels;
}

/// Sums begin with what the offset takes away, so that they are those of q: below 2^24, also times m, thus exact as
/// floats.
template <class Format>
class Dot {
 public:
  Dot() = default;
  explicit Dot(const Q8Block& x) {
    for (int h = 0; h < kSums; ++h) {
      const int first = kSums == 1 || h == 0 ? -kOffset & 0xffff : 0, second = kSums == 1 || h == 1 ? -kOffset : 0;
      sums_[h] = _mm512_madd_epi16(set1_4(x.half_sums), set1(second * 0x10000 + first));
    }
  }

  template <int i, class Factors>
  void add_columns(I w, I x, const Factors&) {
    I& sum = sums_[kSums == 1 ? 0 : i / 4];
    sum = _mm512_dpbusd_epi32(sum, w, x);
  }

  template <class Factors>
  F sum(const Q8Block&, const Factors& f) const {
    if constexpr (Format::kHalves) {
      return fma(f.halves.m[1], to_float(sums_[1]), mul(f.halves.m[0], to_float(sums_[0])));
    } else {
      return to_float(sums_[0]);
    }
  }

 private:
  static constexpr int kSums = Format::kHalves ? 2 : 1;
  static constexpr int kOffset = Format::kOffset + (Format::kSigned ? 128 : 0);

  I sums_[kSums];
};

}  // namespace
}  // namespace adder::ADDER_LEVEL
