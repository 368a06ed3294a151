#pragma once

#include "run/kernels/x86/bodies/lanes.h"

/// Vector decoders: bit-equal to core/quant, which says what each layout means. A decoder hands its block to a sink in
/// groups of sixteen consecutive elements, `kParts` registers a group: sink(part, values).
namespace adder::ADDER_LEVEL {
namespace {

inline float half_at(const uint8_t* p) {
  return _cvtsh_ss(static_cast<uint16_t>(p[0] | p[1] << 8));
}
inline uint32_t word_at(const uint8_t* p) {
  return uint32_t{p[0]} | uint32_t{p[1]} << 8 | uint32_t{p[2]} << 16 | uint32_t{p[3]} << 24;
}
inline void put_word(uint8_t* p, uint32_t w) {
  for (int i = 0; i < 4; ++i) p[i] = static_cast<uint8_t>(w >> (8 * i));
}

/// Low (0) or high (1) nibbles of kWidth bytes.
inline I nibbles(const uint8_t* p, int high) {
  const I q = load_u8(p);
  return high ? shift_right(q, 4) : bit_and(q, set1(15));
}

/// Bits first, first + 1, ... of a 32-bit mask, one a lane, moved up to bit 4.
inline I fifth_bits(uint32_t mask, int first) {
  const I word = set1(static_cast<int32_t>(mask));
  return shift_left(bit_and(shift_right(word, add(ramp(), set1(first))), set1(1)), 4);
}

struct Q8_0 {
  static constexpr int kElements = 32, kBytes = 34;
  template <class Sink>
  static void block(const uint8_t* b, Sink& sink) {
    const F d = set1(half_at(b));
    for (int i = 0; i < 32; i += kLanes) {
      for (int part = 0; part < kParts; ++part) sink(part, mul(d, to_float(load_i8(b + 2 + i + part * kWidth))));
    }
  }
};

struct Q4_0 {
  static constexpr int kElements = 32, kBytes = 18;
  template <class Sink>
  static void block(const uint8_t* b, Sink& sink) {
    const F d = set1(half_at(b));
    for (int high = 0; high < 2; ++high) {
      for (int part = 0; part < kParts; ++part) {
        sink(part, mul(d, to_float(sub(nibbles(b + 2 + part * kWidth, high), set1(8)))));
      }
    }
  }
};

struct Q5_0 {
  static constexpr int kElements = 32, kBytes = 22;
  template <class Sink>
  static void block(const uint8_t* b, Sink& sink) {
    const F d = set1(half_at(b));
    const uint32_t mask = word_at(b + 2);
    for (int high = 0; high < 2; ++high) {
      for (int part = 0; part < kParts; ++part) {
        const I q = bit_or(nibbles(b + 6 + part * kWidth, high), fifth_bits(mask, 16 * high + part * kWidth));
        sink(part, mul(d, to_float(sub(q, set1(16)))));
      }
    }
  }
};

/// The eight 6-bit scales and minima of Q4_K and Q5_K, times d and dmin.
struct KScales {
  float scale[8], min[8];
  explicit KScales(const uint8_t* b) {
    const float d = half_at(b), dmin = half_at(b + 2);
    const uint32_t low = word_at(b + 4), mid = word_at(b + 8), high = word_at(b + 12);
    alignas(16) uint8_t six[16];
    put_word(six, low & 0x3f3f3f3fu);
    put_word(six + 4, (high & 0x0f0f0f0fu) | (low >> 6 & 0x03030303u) << 4);
    put_word(six + 8, mid & 0x3f3f3f3fu);
    put_word(six + 12, (high >> 4 & 0x0f0f0f0fu) | (mid >> 6 & 0x03030303u) << 4);
    for (int j = 0; j < 8; ++j) {
      scale[j] = d * static_cast<float>(six[j]);
      min[j] = dmin * static_cast<float>(six[8 + j]);
    }
  }
};

struct Q4_K {
  static constexpr int kElements = 256, kBytes = 144;
  template <class Sink>
  static void block(const uint8_t* b, Sink& sink) {
    const KScales s(b);
    for (int j = 0; j < 8; ++j) {
      const F scale = set1(s.scale[j]), min = set1(s.min[j]);
      const uint8_t* qs = b + 16 + j / 2 * 32;
      for (int i = 0; i < 32; i += kLanes) {
        for (int part = 0; part < kParts; ++part) {
          sink(part, sub(mul(scale, to_float(nibbles(qs + i + part * kWidth, j % 2))), min));
        }
      }
    }
  }
};

struct Q5_K {
  static constexpr int kElements = 256, kBytes = 176;
  template <class Sink>
  static void block(const uint8_t* b, Sink& sink) {
    const KScales s(b);
    for (int j = 0; j < 8; ++j) {
      const F scale = set1(s.scale[j]), min = set1(s.min[j]);
      const uint8_t* qh = b + 16;
      const uint8_t* qs = b + 48 + j / 2 * 32;
      for (int i = 0; i < 32; i += kLanes) {
        for (int part = 0; part < kParts; ++part) {
          const int at = i + part * kWidth;
          const I fifth = shift_left(bit_and(shift_right(load_u8(qh + at), j), set1(1)), 4);
          sink(part, sub(mul(scale, to_float(bit_or(nibbles(qs + at, j % 2), fifth))), min));
        }
      }
    }
  }
};

struct Q6_K {
  static constexpr int kElements = 256, kBytes = 210;
  template <class Sink>
  static void block(const uint8_t* b, Sink& sink) {
    const float d = half_at(b + 208);
    for (int j = 0; j < 8; ++j) {  // 32 elements: quarter j % 4 of half j / 4
      const int quarter = j % 4;
      const uint8_t* ql = b + j / 4 * 64 + quarter % 2 * 32;
      const uint8_t* qh = b + 128 + j / 4 * 32;
      for (int i = 0; i < 32; i += kLanes) {
        const F scale = set1(d * static_cast<float>(static_cast<int8_t>(b[192 + 2 * j + i / 16])));
        for (int part = 0; part < kParts; ++part) {
          const int at = i + part * kWidth;
          const I high = shift_left(bit_and(shift_right(load_u8(qh + at), 2 * quarter), set1(3)), 4);
          sink(part, mul(scale, to_float(sub(bit_or(nibbles(ql + at, quarter / 2), high), set1(32)))));
        }
      }
    }
  }
};

/// Sinks: into memory, or straight into a dot product with x.
struct Store {
  float* out;
  void operator()(int part, F values) {
    store(out + part * kWidth, values);
    if (part == kParts - 1) out += kLanes;
  }
};
struct Dot {
  const float* x;
  F sum[kParts];
  void operator()(int part, F values) {
    sum[part] = fma(values, load(x + part * kWidth), sum[part]);
    if (part == kParts - 1) x += kLanes;
  }
};

}  // namespace
}  // namespace adder::ADDER_LEVEL
