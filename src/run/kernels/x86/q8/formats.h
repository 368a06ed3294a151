#pragma once

#include <immintrin.h>

#include <cstdint>

/// Blocks of 32 integer weights, eight rows at a time, for the products of ops.h: linear_q8. A format says
///   kBlocks, kBytes   how many blocks of 32 lie in one of its storage blocks, and that one's bytes
///   levels<j>(p)      block j of the storage block at p, element k in byte k; not negative unless kSigned
///   kLevels, kOffset  how many levels; q = level - kOffset
///   kBias, kHalves    whether w has a bias, whether halves have a multiplier of their own
///   scales(rows, s)   d, bias and multipliers of the storage blocks at rows[0..8)
namespace adder::ADDER_LEVEL {
namespace {

using Rows = const uint8_t* const (&)[8];

/// Of up to eight blocks, one lane or pair of 16-bit halves for each of eight rows.
struct Scales {
  __m256 d[8];
  __m256 bias[8];
  __m256i pairs[8];  ///< m_0 and m_1
};

inline __m256i byte_constant(int x) {
  return _mm256_set1_epi8(static_cast<char>(x));
}
inline __m256i load_32(const uint8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

/// A field of a block, which may lie at any address.
template <class Field>
inline Field field(const uint8_t* p) {
  Field x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}

/// Eight binary16 numbers at `at` of each row.
inline __m256 halves_at(Rows rows, int at) {
  __m128i h = _mm_setzero_si128();
  h = _mm_insert_epi16(h, field<int16_t>(rows[0] + at), 0);
  h = _mm_insert_epi16(h, field<int16_t>(rows[1] + at), 1);
  h = _mm_insert_epi16(h, field<int16_t>(rows[2] + at), 2);
  h = _mm_insert_epi16(h, field<int16_t>(rows[3] + at), 3);
  h = _mm_insert_epi16(h, field<int16_t>(rows[4] + at), 4);
  h = _mm_insert_epi16(h, field<int16_t>(rows[5] + at), 5);
  h = _mm_insert_epi16(h, field<int16_t>(rows[6] + at), 6);
  h = _mm_insert_epi16(h, field<int16_t>(rows[7] + at), 7);
  return _mm256_cvtph_ps(h);
}

/// Sixteen bytes of nibbles: the low ones, then the high ones.
inline __m256i nibbles(const uint8_t* p) {
  const __m256i both = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return _mm256_and_si256(_mm256_srlv_epi32(both, _mm256_setr_epi32(0, 0, 0, 0, 4, 4, 4, 4)), byte_constant(15));
}

/// 16 in byte k where bit k of the word at p is set.
inline __m256i fifth_bits(const uint8_t* p) {
  const __m256i word = _mm256_set1_epi32(field<int32_t>(p));
  const __m256i own =
      _mm256_shuffle_epi8(word, _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303));
  const __m256i bit = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201));
  return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(own, bit), bit), byte_constant(16));
}

struct Plain {
  static constexpr int kBlocks = 1, kOffset = 0;
  static constexpr bool kSigned = false, kBias = false, kHalves = false;
  static void scales(Rows rows, Scales& s) { s.d[0] = halves_at(rows, 0); }
};
struct WithBias : Plain {
  static constexpr bool kBias = true;
  static void scales(Rows rows, Scales& s) {
    s.d[0] = halves_at(rows, 0);
    s.bias[0] = halves_at(rows, 2);
  }
};

struct Q8_0 : Plain {
  static constexpr int kBytes = 34, kLevels = 256;
  static constexpr bool kSigned = true;
  template <int j>
  static __m256i levels(const uint8_t* p) {
    return load_32(p + 2);
  }
};

struct IQ4_NL : Plain {
  static constexpr int kBytes = 18, kLevels = 256;
  static constexpr bool kSigned = true;
  template <int j>
  static __m256i levels(const uint8_t* p) {
    const __m256i values = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113));
    return _mm256_shuffle_epi8(values, nibbles(p + 2));
  }
};

struct Q4_0 : Plain {
  static constexpr int kBytes = 18, kLevels = 16, kOffset = 8;
  template <int j>
  static __m256i levels(const uint8_t* p) {
    return nibbles(p + 2);
  }
};

struct Q4_1 : WithBias {
  static constexpr int kBytes = 20, kLevels = 16;
  template <int j>
  static __m256i levels(const uint8_t* p) {
    return nibbles(p + 4);
  }
};

struct Q5_0 : Plain {
  static constexpr int kBytes = 22, kLevels = 32, kOffset = 16;
  template <int j>
  static __m256i levels(const uint8_t* p) {
    return _mm256_or_si256(nibbles(p + 6), fifth_bits(p + 2));
  }
};

struct Q5_1 : WithBias {
  static constexpr int kBytes = 24, kLevels = 32;
  template <int j>
  static __m256i levels(const uint8_t* p) {
    return _mm256_or_si256(nibbles(p + 8), fifth_bits(p + 4));
  }
};

/// Column j of an 8 x 8 byte matrix, whose rows are eight words, to s[j], times f.
inline void spread_bytes(const uint64_t (&rows)[8], __m256 f, __m256 (&s)[8]) {
  __m128i twos[4];
  for (int i = 0; i < 4; ++i) {
    twos[i] = _mm_unpacklo_epi8(_mm_cvtsi64_si128(static_cast<int64_t>(rows[2 * i])),
                                _mm_cvtsi64_si128(static_cast<int64_t>(rows[2 * i + 1])));
  }
  const __m128i low[2] = {_mm_unpacklo_epi16(twos[0], twos[1]), _mm_unpacklo_epi16(twos[2], twos[3])};
  const __m128i high[2] = {_mm_unpackhi_epi16(twos[0], twos[1]), _mm_unpackhi_epi16(twos[2], twos[3])};
  const __m128i pairs[4] = {_mm_unpacklo_epi32(low[0], low[1]), _mm_unpackhi_epi32(low[0], low[1]),
                            _mm_unpacklo_epi32(high[0], high[1]), _mm_unpackhi_epi32(high[0], high[1])};
  for (int i = 0; i < 4; ++i) {
    s[2 * i] = _mm256_mul_ps(f, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(pairs[i])));
    s[2 * i + 1] = _mm256_mul_ps(f, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(pairs[i], 8))));
  }
}

/// The eight 6-bit scales and minima of Q4_K and Q5_K (unpack_k_scales in core/quant), four bytes at a time.
struct WithKScales {
  static constexpr int kBlocks = 8, kOffset = 0;
  static constexpr bool kSigned = false, kBias = true, kHalves = false;
  static void scales(Rows rows, Scales& s) {
    uint64_t scale[8], min[8];
    for (int r = 0; r < 8; ++r) {
      const auto low = field<uint32_t>(rows[r] + 4), mid = field<uint32_t>(rows[r] + 8);
      const auto high = field<uint32_t>(rows[r] + 12);
      const uint32_t scale_high = (high & 0x0f0f0f0fu) | (low >> 6 & 0x03030303u) << 4;
      const uint32_t min_high = (high >> 4 & 0x0f0f0f0fu) | (mid >> 6 & 0x03030303u) << 4;
      scale[r] = uint64_t{scale_high} << 32 | (low & 0x3f3f3f3fu);
      min[r] = uint64_t{min_high} << 32 | (mid & 0x3f3f3f3fu);
    }
    spread_bytes(scale, halves_at(rows, 0), s.d);
    spread_bytes(min, _mm256_xor_ps(halves_at(rows, 2), _mm256_set1_ps(-0.0f)), s.bias);
  }
};

/// Blocks j, j + 1 are the low and the high nibbles of the same 32 bytes.
template <int j>
inline __m256i k_nibbles(const uint8_t* q) {
  const __m256i both = load_32(q + j / 2 * 32);
  return _mm256_and_si256(j % 2 ? _mm256_srli_epi16(both, 4) : both, byte_constant(15));
}

struct Q4_K : WithKScales {
  static constexpr int kBytes = 144, kLevels = 16;
  template <int j>
  static __m256i levels(const uint8_t* p) {
    return k_nibbles<j>(p + 16);
  }
};

struct Q5_K : WithKScales {
  static constexpr int kBytes = 176, kLevels = 32;
  template <int j>
  static __m256i levels(const uint8_t* p) {
    const __m256i high = load_32(p + 16);
    const __m256i fifth =
        j < 4 ? _mm256_slli_epi16(high, j < 4 ? 4 - j : 0) : _mm256_srli_epi16(high, j < 4 ? 0 : j - 4);
    return _mm256_or_si256(k_nibbles<j>(p + 48), _mm256_and_si256(fifth, byte_constant(16)));
  }
};

inline void transpose_8x8(__m256i (&v)[8]) {
  __m256i pairs[8], quads[8];
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    quads[i] = _mm256_unpacklo_epi64(pairs[i], pairs[i + 2]);
    quads[i + 1] = _mm256_unpackhi_epi64(pairs[i], pairs[i + 2]);
    quads[i + 2] = _mm256_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    quads[i + 3] = _mm256_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    v[i] = _mm256_permute2x128_si256(quads[i], quads[i + 4], 0x20);
    v[i + 4] = _mm256_permute2x128_si256(quads[i], quads[i + 4], 0x31);
  }
}

struct Q6_K {
  static constexpr int kBlocks = 8, kBytes = 210, kLevels = 64, kOffset = 32;
  static constexpr bool kSigned = false, kBias = false, kHalves = true;
  template <int j>
  static __m256i levels(const uint8_t* p) {
    constexpr int half = j / 4, k = j % 4;
    const __m256i low = load_32(p + 64 * half + 32 * (k % 2)), high = load_32(p + 128 + 32 * half);
    const __m256i four = k < 2 ? low : _mm256_srli_epi16(low, 4);
    const __m256i two = k == 3 ? _mm256_srli_epi16(high, 2) : _mm256_slli_epi16(high, k == 3 ? 0 : 4 - 2 * k);
    return _mm256_or_si256(_mm256_and_si256(four, byte_constant(15)), _mm256_and_si256(two, byte_constant(0x30)));
  }
  static void scales(Rows rows, Scales& s) {
    const __m256 d = halves_at(rows, 208);
    for (int r = 0; r < 8; ++r) {
      s.d[r] = d;
      s.pairs[r] = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[r] + 192)));
    }
    transpose_8x8(s.pairs);
  }
};

}  // namespace
}  // namespace adder::ADDER_LEVEL
