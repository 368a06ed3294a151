#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace adder {

/// The quantised blocks of GGUF, byte for byte (ggml's layouts; all fields little-endian, a half is its bit pattern).
/// A row is a sequence of blocks without padding, so a block in a file may lie at any address: copy it out (memcpy)
/// or read its bytes, never cast a pointer to it.
///
/// Below, q is an unpacked level, e an element of the block, "low/high" the nibbles of a byte. The f32 arithmetic is
/// part of each format: parentheses show the order, every operation rounds, nothing is fused.
static_assert(std::endian::native == std::endian::little, "blocks are copied as they lie in the file");

/// x = d q.
struct BlockQ8_0 {
  uint16_t d;
  std::array<int8_t, 32> qs;
};

/// x = d (q - 8). Elements 0..15 are the low nibbles of qs, 16..31 the high ones.
struct BlockQ4_0 {
  uint16_t d;
  std::array<uint8_t, 16> qs;
};

/// x = (d q) + m. Nibbles as in Q4_0.
struct BlockQ4_1 {
  uint16_t d, m;
  std::array<uint8_t, 16> qs;
};

/// x = d (q - 16). Nibbles as in Q4_0; the fifth bit of element e is bit e of the little-endian word qh.
struct BlockQ5_0 {
  uint16_t d;
  std::array<uint8_t, 4> qh;
  std::array<uint8_t, 16> qs;
};

/// x = (d q) + m. Levels as in Q5_0.
struct BlockQ5_1 {
  uint16_t d, m;
  std::array<uint8_t, 4> qh;
  std::array<uint8_t, 16> qs;
};

/// x = d kIq4Levels[q]. Nibbles as in Q4_0.
struct BlockIQ4_NL {
  uint16_t d;
  std::array<uint8_t, 16> qs;
};

/// The non-uniform levels of IQ4_NL and IQ4_XS.
inline constexpr std::array<int8_t, 16> kIq4Levels = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                      1,    13,   25,  38,  53,  69,  89,  113};

/// x = ((d sc_j) q) - (dmin m_j): 16 sub-blocks j of 16; sc_j, m_j the low and high nibble of scales[j].
/// Element 128n + 32k + l has bits 2k, 2k+1 of qs[32n + l].
struct BlockQ2_K {
  std::array<uint8_t, 16> scales;
  std::array<uint8_t, 64> qs;
  uint16_t d, dmin;
};

/// x = (d (sc_j - 32)) (q - 4): 16 sub-blocks j of 16 (`unpack_q3_scales`). The low two bits of q lie as in Q2_K; the
/// third bit of element 32k + l is bit k of hmask[l].
struct BlockQ3_K {
  std::array<uint8_t, 32> hmask;
  std::array<uint8_t, 64> qs;
  std::array<uint8_t, 12> scales;
  uint16_t d;
};

/// x = ((d sc_j) q) - (dmin m_j): 8 sub-blocks j of 32 (`unpack_k_scales`). Sub-blocks 2k and 2k+1 are the low and
/// the high nibbles of qs[32k .. 32k+31].
struct BlockQ4_K {
  uint16_t d, dmin;
  std::array<uint8_t, 12> scales;
  std::array<uint8_t, 128> qs;
};

/// As Q4_K, with a fifth bit: of element 32j + l it is bit j of qh[l].
struct BlockQ5_K {
  uint16_t d, dmin;
  std::array<uint8_t, 12> scales;
  std::array<uint8_t, 32> qh;
  std::array<uint8_t, 128> qs;
};

/// x = (d sc_j) (q - 32): 16 sub-blocks j of 16, signed sc_j = scales[j]. Element 128n + 32k + l: its low four bits
/// are a nibble (low for k < 2, else high) of ql[64n + 32 (k mod 2) + l], the upper two bits 2k, 2k+1 of qh[32n + l].
struct BlockQ6_K {
  std::array<uint8_t, 128> ql;
  std::array<uint8_t, 64> qh;
  std::array<int8_t, 16> scales;
  uint16_t d;
};

/// x = (d (sc_j - 32)) kIq4Levels[q]: 8 sub-blocks j of 32, each with nibbles as in Q4_0 (16 bytes of qs). The low
/// four bits of sc_j are nibble j of scales_l, the upper two bits 2j, 2j+1 of scales_h.
struct BlockIQ4_XS {
  uint16_t d, scales_h;
  std::array<uint8_t, 4> scales_l;
  std::array<uint8_t, 128> qs;
};

/// The 6-bit scales and mins of Q4_K and Q5_K.
struct KScales {
  std::array<uint8_t, 8> scale, min;
};

/// Bytes 0..3 hold scales 0..3, bytes 4..7 mins 0..3 (low six bits of each); bytes 8..11 hold the low nibbles of
/// scales 4..7 (low) and mins 4..7 (high), whose upper two bits are the top bits of bytes 0..3 and 4..7.
inline KScales unpack_k_scales(const std::array<uint8_t, 12>& packed) {
  KScales s;
  for (size_t j = 0; j < 4; ++j) {
    s.scale[j] = packed[j] & 63;
    s.min[j] = packed[j + 4] & 63;
    s.scale[j + 4] = static_cast<uint8_t>((packed[j + 8] & 15) | ((packed[j] >> 6) << 4));
    s.min[j + 4] = static_cast<uint8_t>((packed[j + 8] >> 4) | ((packed[j + 4] >> 6) << 4));
  }
  return s;
}

inline std::array<uint8_t, 12> pack_k_scales(const KScales& s) {
  std::array<uint8_t, 12> packed;
  for (size_t j = 0; j < 4; ++j) {
    packed[j] = static_cast<uint8_t>(s.scale[j] | ((s.scale[j + 4] >> 4) << 6));
    packed[j + 4] = static_cast<uint8_t>(s.min[j] | ((s.min[j + 4] >> 4) << 6));
    packed[j + 8] = static_cast<uint8_t>((s.scale[j + 4] & 15) | ((s.min[j + 4] & 15) << 4));
  }
  return packed;
}

/// The sixteen 6-bit scales of Q3_K, before 32 is subtracted: scale j has its low nibble in byte j mod 8 (low nibble
/// for j < 8, else high) and its upper two bits at 2 (j / 4) of byte 8 + j mod 4.
inline std::array<uint8_t, 16> unpack_q3_scales(const std::array<uint8_t, 12>& packed) {
  std::array<uint8_t, 16> scales;
  for (size_t j = 0; j < 16; ++j) {
    const int low = (packed[j % 8] >> (4 * (j / 8))) & 15;
    const int high = (packed[8 + j % 4] >> (2 * (j / 4))) & 3;
    scales[j] = static_cast<uint8_t>(low | (high << 4));
  }
  return scales;
}

inline std::array<uint8_t, 12> pack_q3_scales(const std::array<uint8_t, 16>& scales) {
  std::array<uint8_t, 12> packed{};
  for (size_t j = 0; j < 16; ++j) {
    packed[j % 8] = static_cast<uint8_t>(packed[j % 8] | ((scales[j] & 15) << (4 * (j / 8))));
    packed[8 + j % 4] = static_cast<uint8_t>(packed[8 + j % 4] | ((scales[j] >> 4) << (2 * (j / 4))));
  }
  return packed;
}

}  // namespace adder
