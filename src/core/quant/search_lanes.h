#pragma once

#include "core/quant/blocks.h"
#include "core/quant/search.h"

/// The searches of search.h on the compiler's vectors, for files that are compiled for one instruction set each.
/// Everything is local to such a file and calls no inline function of another header, whose copy could win at link time
/// and then run on a CPU that lacks the instruction set.

namespace adder {
namespace {

using Lanes = float __attribute__((vector_size(32)));
using Mask = int32_t __attribute__((vector_size(32)));  ///< all ones where true

// Lanes.

[[gnu::always_inline]] inline Lanes all(float v) {
  return Lanes{v, v, v, v, v, v, v, v};
}

[[gnu::always_inline]] inline Lanes get(const float* from) {
  Lanes v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
[[gnu::always_inline]] inline void put(Lanes v, float* to) {
  __builtin_memcpy(to, &v, sizeof v);
}

[[gnu::always_inline]] inline Lanes select(Mask mask, Lanes yes, Lanes no) {
  return mask ? yes : no;
}

[[gnu::always_inline]] inline Lanes magnitude(Lanes v) {
  return reinterpret_cast<Lanes>(reinterpret_cast<Mask>(v) & 0x7fffffff);
}

[[gnu::always_inline]] inline Lanes square_root(Lanes v) {
  for (size_t j = 0; j < kLanes; ++j) v[j] = __builtin_sqrtf(v[j]);
  return v;
}

[[gnu::always_inline]] inline Lanes truncated(Lanes v) {
  return __builtin_convertvector(__builtin_convertvector(v, Mask), Lanes);
}

/// v limited to [low, high] and rounded half to even; NaN gives low.
[[gnu::always_inline]] inline Lanes nearest(Lanes v, Lanes low, Lanes high) {
  constexpr float kRounder = 12582912.0f;  // as in nearest_level
  const Lanes not_below = select(v > low, v, low);
  const Lanes limited = select(not_below < high, not_below, high);
  return (limited + kRounder) - kRounder;
}

// What is needed of groups.

void load(const float* x, size_t n, Groups& out) {
  for (size_t e = 0; e < n; ++e, ++x)
    put(Lanes{x[0], x[n], x[2 * n], x[3 * n], x[4 * n], x[5 * n], x[6 * n], x[7 * n]}, out.v[e]);
}

void store(const Groups& q, size_t n, uint8_t* out) {
  for (size_t e = 0; e < n; e += 4) {
    Mask four = {};  // bytes of a lane, little-endian as the formats are
    for (size_t k = 0; k < 4; ++k) four |= __builtin_convertvector(get(q.v[e + k]), Mask) << static_cast<int>(8 * k);
    for (size_t j = 0; j < kLanes; ++j) {
      const int32_t bytes = four[j];
      __builtin_memcpy(out + n * j + e, &bytes, 4);
    }
  }
}

[[gnu::always_inline]] inline Lanes signed_max_of(const Groups& x, size_t n) {
  Lanes max = all(0.0f);
  for (size_t e = 0; e < n; ++e) max = select(magnitude(get(x.v[e])) > magnitude(max), get(x.v[e]), max);
  return max;
}
void signed_max_lanes(const Groups& x, size_t n, Lane8& max) {
  put(signed_max_of(x, n), max.v);
}

void range(const Groups& x, size_t n, Lane8& min, Lane8& max) {
  Lanes low = get(x.v[0]), high = low;
  for (size_t e = 1; e < n; ++e) {
    const Lanes v = get(x.v[e]);
    low = select(v < low, v, low);
    high = select(v > high, v, high);
  }
  put(low, min.v);
  put(high, max.v);
}

void plain_weights(const Groups& x, size_t n, PlainWeight kind, Groups& w) {
  Lanes base = all(0.0f);
  if (kind == PlainWeight::kRmsMagnitude) {
    for (size_t e = 0; e < n; ++e) base += get(x.v[e]) * get(x.v[e]);
    base = square_root(base / static_cast<float>(n));
  }
  for (size_t e = 0; e < n; ++e) {
    const Lanes v = get(x.v[e]);
    put(kind == PlainWeight::kSquare ? v * v : base + magnitude(v), w.v[e]);
  }
}

void weigh(const Groups& x, const Groups& importance, size_t n, const Lane8& variance, Groups& w) {
  const Lanes base = get(variance.v);
  for (size_t e = 0; e < n; ++e) {
    const Lanes v = get(x.v[e]);
    put(get(importance.v[e]) * square_root(base + v * v), w.v[e]);
  }
}

void total(const Groups& w, size_t n, Lane8& sum) {
  Lanes s = all(0.0f);
  for (size_t e = 0; e < n; ++e) s += get(w.v[e]);
  put(s, sum.v);
}

// Scale and min.

template <Loss kLoss>
[[gnu::always_inline]] inline Lanes weighted_loss(const Groups& x, const Groups& w, size_t n, const Groups& q,
                                                  Lanes scale, Lanes low) {
  Lanes sum = all(0.0f);
  for (size_t e = 0; e < n; ++e) {
    const Lanes difference = scale * get(q.v[e]) + low - get(x.v[e]);
    sum += get(w.v[e]) * (kLoss == Loss::kSquared ? difference * difference : magnitude(difference));
  }
  return sum;
}

template <Loss kLoss>
[[gnu::always_inline]] inline void scale_min_by(const Groups& x, const Groups& w, size_t n, float levels,
                                                const ScaleMinGrid& grid, Groups& q, Lane8& scale_out, Lane8& min_out) {
  constexpr float kNegligible = 1e-30f;  // far below half's range, far above where levels/range would overflow
  const Lanes zero = all(0.0f), top = all(levels);
  Lanes first_low = zero, high = get(x.v[0]), sum_w = zero, sum_x = zero;
  for (size_t e = 0; e < n; ++e) {
    const Lanes v = get(x.v[e]), weight = get(w.v[e]);
    first_low = select(v < first_low, v, first_low);
    high = select(v > high, v, high);
    sum_w += weight;
    sum_x += weight * v;
  }
  const Mask flat = high - first_low < kNegligible;
  const auto round_levels = [&](Lanes inverse, Lanes low) __attribute__((always_inline)) {
    for (size_t e = 0; e < n; ++e) put(nearest(inverse * (get(x.v[e]) - low), zero, top), q.v[e]);
  };

  // The best so far; its levels are x - rounded_low times rounded_inverse.
  Lanes low = first_low, rounded_low = low, rounded_inverse = top / (high - low);
  Lanes scale = 1.0f / rounded_inverse;
  round_levels(rounded_inverse, rounded_low);
  Lanes best = weighted_loss<kLoss>(x, w, n, q, scale, low);
  for (int s = 0; s <= grid.steps; ++s) {  // the candidates move with the best min
    const Lanes inverse = all(grid.first + grid.step * static_cast<float>(s) + levels) / (high - low);
    Lanes sum_q = zero, sum_qq = zero, sum_xq = zero;
    for (size_t e = 0; e < n; ++e) {
      const Lanes v = get(x.v[e]);
      const Lanes level = nearest(inverse * (v - low), zero, top);
      const Lanes weighted = get(w.v[e]) * level;
      put(level, q.v[e]);
      sum_q += weighted;
      sum_qq += weighted * level;
      sum_xq += weighted * v;
    }
    const Lanes determinant = sum_w * sum_qq - sum_q * sum_q;
    const Lanes fit_low = (sum_qq * sum_x - sum_q * sum_xq) / determinant;
    const Mask positive = fit_low > zero;  // the stored min cannot be negative
    const Lanes new_scale = select(positive, sum_xq / sum_qq, (sum_w * sum_xq - sum_x * sum_q) / determinant);
    const Lanes new_low = select(positive, zero, fit_low);
    const Lanes loss = weighted_loss<kLoss>(x, w, n, q, new_scale, new_low);
    const Mask better = (determinant > zero) & (loss < best);
    best = select(better, loss, best);
    rounded_inverse = select(better, inverse, rounded_inverse);
    rounded_low = select(better, low, rounded_low);
    scale = select(better, new_scale, scale);
    low = select(better, new_low, low);
  }
  round_levels(select(flat, zero, rounded_inverse), rounded_low);
  put(select(flat, zero, scale), scale_out.v);
  put(-select(flat, first_low, low), min_out.v);
}

void scale_min(const Groups& x, const Groups& w, size_t n, int levels, const ScaleMinGrid& grid, Loss loss, Groups& q,
               Lane8& scale, Lane8& min) {
  const auto top = static_cast<float>(levels);
  if (loss == Loss::kSquared)
    scale_min_by<Loss::kSquared>(x, w, n, top, grid, q, scale, min);
  else
    scale_min_by<Loss::kAbsolute>(x, w, n, top, grid, q, scale, min);
}

// Signed scales.

constexpr float kNegligible = 1e-15f;

/// Levels low .. high of equal distance.
struct EvenLevels {
  Lanes low, high;
  [[gnu::always_inline]] Lanes nearest_to(Lanes v) const { return nearest(v, low, high); }
  [[gnu::always_inline]] static Lanes product(Lanes w, Lanes x, Lanes q) { return w * x * q; }
};

/// A copy that is local too.
struct Iq4Table {
  int level[16];
  float middle[15];  ///< between two levels
};
constexpr Iq4Table make_iq4_table() {
  Iq4Table table = {};
  for (size_t k = 0; k < 16; ++k) table.level[k] = kIq4Levels[k];
  for (size_t k = 0; k < 15; ++k) table.middle[k] = static_cast<float>(table.level[k] + table.level[k + 1]) / 2;
  return table;
}
constexpr Iq4Table kIq4 = make_iq4_table();

struct Iq4Levels {
  /// The upper one of two equally near; NaN gives the lowest.
  [[gnu::always_inline]] static Lanes nearest_to(Lanes v) {
    Mask level = Mask{} + kIq4.level[0];
    for (size_t k = 0; k < 15; ++k) level += (v >= kIq4.middle[k]) & (kIq4.level[k + 1] - kIq4.level[k]);
    return __builtin_convertvector(level, Lanes);
  }
  /// Its number.
  [[gnu::always_inline]] static Lanes index_of(Lanes v) {
    Mask index = {};
    for (size_t k = 0; k < 15; ++k) index -= v >= kIq4.middle[k];  // true is -1
    return __builtin_convertvector(index, Lanes);
  }
  [[gnu::always_inline]] static Lanes product(Lanes w, Lanes x, Lanes q) { return w * q * x; }
};

/// Keeps the scale that explains most of the groups with the levels it rounds to.
template <class Levels>
struct BestScale {
  const Groups& x;
  const Groups& w;
  size_t n;
  Levels levels;
  Lanes scale = all(0.0f), inverse = all(0.0f), explained = all(0.0f);

  /// Looks at the levels of x * candidate.
  [[gnu::always_inline]] void consider(Lanes candidate) {
    Lanes sum_xq = all(0.0f), sum_qq = all(0.0f);
    for (size_t e = 0; e < n; ++e) {
      const Lanes v = get(x.v[e]), weight = get(w.v[e]);
      const Lanes q = levels.nearest_to(candidate * v);
      sum_xq += levels.product(weight, v, q);
      sum_qq += weight * q * q;
    }
    const Mask better = (sum_qq > 0.0f) & (sum_xq * sum_xq > explained * sum_qq);
    scale = select(better, sum_xq / sum_qq, scale);
    explained = select(better, scale * sum_xq, explained);
    inverse = select(better, candidate, inverse);
  }
};

void signed_scale(const Groups& x, const Groups& w, size_t n, int levels, Groups& q, Lane8& scale) {
  const auto count = static_cast<float>(levels);
  const Lanes max = signed_max_of(x, n);
  const Mask nothing = magnitude(max) < kNegligible;
  BestScale<EvenLevels> best{x, w, n, {all(-count), all(count - 1)}};
  best.consider(-count / max);
  for (int s = -9; s <= 9; ++s)
    if (s != 0) best.consider(-(count + 0.1f * static_cast<float>(s)) / max);
  for (size_t e = 0; e < n; ++e)
    put(select(nothing, all(0.0f), best.levels.nearest_to(best.inverse * get(x.v[e])) + count), q.v[e]);
  put(select(nothing, all(0.0f), best.scale), scale.v);
}

void descend(const Groups& x, size_t n, int levels, Groups& q, Lane8& scale) {
  constexpr int kPasses = 5;
  const auto count = static_cast<float>(levels);
  const Lanes zero = all(0.0f), low = all(-count), high = all(count - 1);
  const Lanes max = signed_max_of(x, n);
  const Lanes inverse = -count / max;
  Lanes sum_xq = zero, sum_qq = zero;
  for (size_t e = 0; e < n; ++e) {
    const Lanes v = get(x.v[e]), level = nearest(inverse * v, low, high), weight = v * v;
    put(level, q.v[e]);
    sum_xq += weight * v * level;
    sum_qq += weight * level * level;
  }
  bool changed = true;
  for (int pass = 0; changed && pass < kPasses; ++pass) {
    Mask any_better = {};
    for (size_t e = 0; e < n; ++e) {
      const Lanes v = get(x.v[e]), level = get(q.v[e]), weight = v * v;
      Lanes xq = sum_xq - weight * v * level;
      Lanes qq = sum_qq - weight * level * level;
      const Mask movable = xq > zero;
      const Lanes moved = nearest(v * qq / xq, low, high);
      xq += weight * v * moved;
      qq += weight * moved * moved;
      const Mask better = movable & (moved != level) & (qq > zero) & (xq * xq * sum_qq > sum_xq * sum_xq * qq);
      put(select(better, moved, level), q.v[e]);
      sum_xq = select(better, xq, sum_xq);
      sum_qq = select(better, qq, sum_qq);
      any_better |= better;
    }
    changed = false;
    for (size_t j = 0; j < kLanes; ++j) changed |= any_better[j] != 0;
  }
  const Mask nothing = magnitude(max) < kNegligible;
  for (size_t e = 0; e < n; ++e) put(select(nothing, zero, get(q.v[e]) + count), q.v[e]);
  put(select(~nothing & (sum_qq > zero), sum_xq / sum_qq, zero), scale.v);
}

void iq4_scale(const Groups& x, const Groups& w, Lane8& scale) {
  constexpr int kSteps = 7;
  constexpr float kLowest = kIq4.level[0];
  const Lanes max = signed_max_of(x, 32);
  BestScale<Iq4Levels> best{x, w, 32, {}};
  best.consider(1.0f / (max / -kLowest));
  for (int s = -kSteps; s <= kSteps; ++s) best.consider((static_cast<float>(s) + kLowest) / max);
  put(select(magnitude(max) < kNegligible, all(0.0f), best.scale), scale.v);
}

// Levels for known scales.

void round(const Groups& x, size_t n, const Lane8& step, const Lane8& shift, int low, int high, Groups& q) {
  const Lanes d = get(step.v), m = get(shift.v);
  const Lanes lowest = all(static_cast<float>(low)), highest = all(static_cast<float>(high));
  for (size_t e = 0; e < n; ++e) {
    const Lanes level = nearest((get(x.v[e]) + m) / d, lowest, highest) - lowest;
    put(select(d == 0.0f, get(q.v[e]), level), q.v[e]);
  }
}

void truncate(const Groups& x, const Lane8& inverse, const Lane8& low, float add, int top, Groups& q) {
  const Lanes by = get(inverse.v), from = get(low.v), limit = all(static_cast<float>(top));
  for (size_t e = 0; e < 32; ++e) {
    const Lanes level = truncated((get(x.v[e]) - from) * by + add);
    put(select(level < limit, level, limit), q.v[e]);
  }
}

void round_away(const Groups& x, const Lane8& inverse, Groups& q) {
  const Lanes by = get(inverse.v);
  for (size_t e = 0; e < 32; ++e) {
    const Lanes v = get(x.v[e]) * by, whole = truncated(v), rest = v - whole;
    put(whole + 128.0f + select(rest >= 0.5f, all(1.0f), select(rest <= -0.5f, all(-1.0f), all(0.0f))), q.v[e]);
  }
}

void round_iq4(const Groups& x, const Lane8& inverse, Groups& q) {
  const Lanes by = get(inverse.v);
  for (size_t e = 0; e < 32; ++e) put(Iq4Levels::index_of(get(x.v[e]) * by), q.v[e]);
}

constexpr Searches lane_searches(const char* name) {
  return {name,      load,         store,   signed_max_lanes, range, plain_weights, weigh,      total,
          scale_min, signed_scale, descend, iq4_scale,        round, truncate,      round_away, round_iq4};
}

}  // namespace
}  // namespace adder
