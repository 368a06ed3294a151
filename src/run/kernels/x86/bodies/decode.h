#pragma once

#include "run/kernels/x86/bodies/lanes.h"

/// Vector decoders: bit-equal to core/quant, which says what each layout means. Sixteen consecutive elements at a time
/// become signed bytes, then floats on their way into a sink, `kParts` registers: sink(part, values).
namespace adder::ADDER_LEVEL {
namespace {

inline Bytes low_nibbles(Bytes q) {
  return bit_and(q, splat_byte(15));
}
inline Bytes high_nibbles(Bytes q) {
  return bit_and(shift_right(q, 4), splat_byte(15));
}

inline float half_at(const uint8_t* p) {
  return _cvtsh_ss(static_cast<uint16_t>(p[0] | p[1] << 8));
}
inline uint32_t word_at(const uint8_t* p) {
  return uint32_t{p[0]} | uint32_t{p[1]} << 8 | uint32_t{p[2]} << 16 | uint32_t{p[3]} << 24;
}

/// scale * q
template <class Sink>
inline void emit(Bytes q, float scale, Sink& sink) {
  const F d = set1(scale * kByteUnit);
  for (int part = 0; part < kParts; ++part) sink(part, mul(d, to_float(widen(q, part))));
}
/// scale * q - min
template <class Sink>
inline void emit(Bytes q, float scale, float min, Sink& sink) {
  const F d = set1(scale * kByteUnit), m = set1(min);
  for (int part = 0; part < kParts; ++part) sink(part, sub(mul(d, to_float(widen(q, part))), m));
}

struct Q8_0 {
  static constexpr int kElements = 32, kBytes = 34;
  template <class Sink>
  static void block(const uint8_t* b, Sink& sink) {
    const float d = half_at(b);
    emit(load_bytes(b + 2), d, sink);
    emit(load_bytes(b + 18), d, sink);
  }
};

struct Q4_0 {
  static constexpr int kElements = 32, kBytes = 18;
  template <class Sink>
  static void block(const uint8_t* b, Sink& sink) {
    const float d = half_at(b);
    const Bytes q = load_bytes(b + 2);
    emit(sub_bytes(low_nibbles(q), splat_byte(8)), d, sink);
    emit(sub_bytes(high_nibbles(q), splat_byte(8)), d, sink);
  }
};

struct Q5_0 {
  static constexpr int kElements = 32, kBytes = 22;
  template <class Sink>
  static void block(const uint8_t* b, Sink& sink) {
    const float d = half_at(b);
    const uint32_t fifth = word_at(b + 2);
    const Bytes q = load_bytes(b + 6);
    // Less 16 as a signed byte: the upper four bits are ones where the fifth bit is clear.
    emit(bit_or(low_nibbles(q), where_clear(fifth, 0xf0)), d, sink);
    emit(bit_or(high_nibbles(q), where_clear(fifth >> 16, 0xf0)), d, sink);
  }
};

/// The eight 6-bit scales and minima of Q4_K and Q5_K, times d and dmin.
struct KScales {
  alignas(32) float scale[8];
  alignas(32) float min[8];
  explicit KScales(const uint8_t* b) {
    const uint32_t low = word_at(b + 4), mid = word_at(b + 8), high = word_at(b + 12);
    const uint32_t scale_high = (high & 0x0f0f0f0fu) | (low >> 6 & 0x03030303u) << 4;
    const uint32_t min_high = (high >> 4 & 0x0f0f0f0fu) | (mid >> 6 & 0x03030303u) << 4;
    put(scale, half_at(b), low & 0x3f3f3f3fu, scale_high);
    put(min, half_at(b + 2), mid & 0x3f3f3f3fu, min_high);
  }

 private:
  static void put(float* out, float d, uint32_t first, uint32_t second) {
    const __m128i six = _mm_cvtsi64_si128(static_cast<int64_t>(uint64_t{second} << 32 | first));
    _mm256_store_ps(out, _mm256_mul_ps(_mm256_set1_ps(d), _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(six))));
  }
};

struct Q4_K {
  static constexpr int kElements = 256, kBytes = 144;
  template <class Sink>
  static void block(const uint8_t* b, Sink& sink) {
    const KScales s(b);
    sixty_four<0>(b, s, sink);
    sixty_four<2>(b, s, sink);
    sixty_four<4>(b, s, sink);
    sixty_four<6>(b, s, sink);
  }

 private:
  /// Sub-blocks j and j + 1.
  template <int j, class Sink>
  static void sixty_four(const uint8_t* b, const KScales& s, Sink& sink) {
    const Bytes q0 = load_bytes(b + 16 + 16 * j), q1 = load_bytes(b + 32 + 16 * j);
    emit(low_nibbles(q0), s.scale[j], s.min[j], sink);
    emit(low_nibbles(q1), s.scale[j], s.min[j], sink);
    emit(high_nibbles(q0), s.scale[j + 1], s.min[j + 1], sink);
    emit(high_nibbles(q1), s.scale[j + 1], s.min[j + 1], sink);
  }
};

struct Q5_K {
  static constexpr int kElements = 256, kBytes = 176;
  template <class Sink>
  static void block(const uint8_t* b, Sink& sink) {
    const KScales s(b);
    sixty_four<0>(b, s, sink);
    sixty_four<2>(b, s, sink);
    sixty_four<4>(b, s, sink);
    sixty_four<6>(b, s, sink);
  }

 private:
  template <int j, class Sink>
  static void sixty_four(const uint8_t* b, const KScales& s, Sink& sink) {
    const Bytes high0 = load_bytes(b + 16), high1 = load_bytes(b + 32);
    const Bytes q0 = load_bytes(b + 48 + 16 * j), q1 = load_bytes(b + 64 + 16 * j);
    emit(bit_or(low_nibbles(q0), fifth_bit<j>(high0)), s.scale[j], s.min[j], sink);
    emit(bit_or(low_nibbles(q1), fifth_bit<j>(high1)), s.scale[j], s.min[j], sink);
    emit(bit_or(high_nibbles(q0), fifth_bit<j + 1>(high0)), s.scale[j + 1], s.min[j + 1], sink);
    emit(bit_or(high_nibbles(q1), fifth_bit<j + 1>(high1)), s.scale[j + 1], s.min[j + 1], sink);
  }
  /// Bit j of each byte, moved to bit 4.
  template <int j>
  static Bytes fifth_bit(Bytes high) {
    return bit_and(j < 4 ? shift_left(high, 4 - j) : shift_right(high, j - 4), splat_byte(16));
  }
};

struct Q6_K {
  static constexpr int kElements = 256, kBytes = 210;
  template <class Sink>
  static void block(const uint8_t* b, Sink& sink) {
    half(b, b + 128, b + 192, half_at(b + 208), sink);
    half(b + 64, b + 160, b + 200, half_at(b + 208), sink);
  }

 private:
  /// Four quarters of 32 elements: low bits in ql, two high bits each in qh, a scale for every sixteen.
  template <class Sink>
  static void half(const uint8_t* ql, const uint8_t* qh, const uint8_t* scales, float d, Sink& sink) {
    const Bytes a0 = load_bytes(ql), a1 = load_bytes(ql + 16), b0 = load_bytes(ql + 32), b1 = load_bytes(ql + 48);
    const Bytes high0 = load_bytes(qh), high1 = load_bytes(qh + 16);
    sixteen(low_nibbles(a0), shift_left(high0, 4), d, scales[0], sink);
    sixteen(low_nibbles(a1), shift_left(high1, 4), d, scales[1], sink);
    sixteen(low_nibbles(b0), shift_left(high0, 2), d, scales[2], sink);
    sixteen(low_nibbles(b1), shift_left(high1, 2), d, scales[3], sink);
    sixteen(high_nibbles(a0), high0, d, scales[4], sink);
    sixteen(high_nibbles(a1), high1, d, scales[5], sink);
    sixteen(high_nibbles(b0), shift_right(high0, 2), d, scales[6], sink);
    sixteen(high_nibbles(b1), shift_right(high1, 2), d, scales[7], sink);
  }
  /// `high` holds its two bits at 4 and 5.
  template <class Sink>
  static void sixteen(Bytes low, Bytes high, float d, uint8_t scale, Sink& sink) {
    const Bytes q = sub_bytes(bit_or(low, bit_and(high, splat_byte(0x30))), splat_byte(32));
    emit(q, d * static_cast<float>(static_cast<int8_t>(scale)), sink);
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
  explicit Dot(const float* tokens) : x(tokens) {
    for (F& s : sum) s = zero();
  }
  void store_lanes(float* lanes) const {
    for (int part = 0; part < kParts; ++part) store(lanes + part * kWidth, sum[part]);
  }
  void operator()(int part, F values) {
    sum[part] = fma(values, load(x + part * kWidth), sum[part]);
    if (part == kParts - 1) x += kLanes;
  }
};

}  // namespace
}  // namespace adder::ADDER_LEVEL
