#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace adder {

/// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC'11). The n-th number depends on (seed, stream, n)
/// alone, so results are the same on every machine, in any order and from any thread.
class Rng {
 public:
  explicit Rng(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// Four independent 32-bit words of counter `n`.
  std::array<uint32_t, 4> block(uint64_t n) const {
    std::array<uint32_t, 4> c = {low(n), high(n), low(stream_), high(stream_)};
    uint32_t k0 = low(seed_), k1 = high(seed_);
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = uint64_t{0xD2511F53u} * c[0];
      const uint64_t p1 = uint64_t{0xCD9E8D57u} * c[2];
      c = {high(p1) ^ c[1] ^ k0, low(p1), high(p0) ^ c[3] ^ k1, low(p0)};
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    return c;
  }

  uint32_t next_u32() {
    if (used_ == 4) {
      words_ = block(counter_++);
      used_ = 0;
    }
    return words_[used_++];
  }
  uint64_t next_u64() {
    const uint64_t first = next_u32();
    return first << 32 | next_u32();
  }
  /// Uniform in [0, 1), 24 bits.
  float uniform() { return static_cast<float>(next_u32() >> 8) * 0x1p-24f; }
  /// Uniform in [0, 1), 53 bits.
  double uniform_double() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }
  /// Uniform in [0, n), n > 0; bias below 2^-32 * n.
  uint64_t below(uint64_t n) { return static_cast<uint64_t>(uniform_double() * static_cast<double>(n)); }
  /// Standard normal (Box-Muller).
  float normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform_double()));
    return static_cast<float>(radius * std::cos(2.0 * std::numbers::pi * uniform_double()));
  }

 private:
  static uint32_t low(uint64_t v) { return static_cast<uint32_t>(v); }
  static uint32_t high(uint64_t v) { return static_cast<uint32_t>(v >> 32); }

  uint64_t seed_, stream_, counter_ = 0;
  std::array<uint32_t, 4> words_{};
  int used_ = 4;
};

}  // namespace adder
