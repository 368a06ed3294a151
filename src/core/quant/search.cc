#include "core/quant/search.h"

#include <algorithm>
#include <cmath>

namespace adder {

std::span<const Searches* const> supported_searches() {
#if defined(__x86_64__)
  static const Searches* const tables[] = {&portable::searches(), &avx2::searches()};
  return std::span(tables).first(__builtin_cpu_supports("avx2") ? 2 : 1);
#else
  static const Searches* const tables[] = {&portable::searches()};
  return tables;
#endif
}

float finite_inverse(float d) {
  const float inverse = 1.0f / d;
  return std::isfinite(inverse) ? inverse : 0.0f;
}

Lane8 finite_inverse(const Lane8& d) {
  Lane8 inverse;
  for (size_t j = 0; j < kLanes; ++j) inverse.v[j] = finite_inverse(d.v[j]);
  return inverse;
}

float signed_max(std::span<const float> x) {
  float max = 0;
  for (const float v : x)
    if (std::fabs(v) > std::fabs(max)) max = v;
  return max;
}

float mean_square(std::span<const float> x) {
  float sum = 0;
  for (const float v : x) sum += v * v;
  return sum / static_cast<float>(x.size());
}

float search_step(std::span<const float> v, std::span<const float> weights, int top, std::span<uint8_t> q) {
  constexpr float kNegligible = 1e-15f;
  constexpr int kPasses = 5;
  const float max = std::max(0.0f, *std::ranges::max_element(v));
  std::ranges::fill(q, uint8_t{0});
  if (max < kNegligible) return 0;

  const auto squared_error = [&](float inverse) {
    const float step = 1.0f / inverse;
    float sum = 0;
    for (size_t i = 0; i < v.size(); ++i) {
      const float difference = v[i] - step * static_cast<float>(nearest_level(inverse * v[i], 0, top));
      sum += weights[i] * difference * difference;
    }
    return sum;
  };
  float inverse = static_cast<float>(top) / max;
  float best = squared_error(inverse);
  for (int s = -4; s <= 4; ++s) {
    if (s == 0) continue;
    const float candidate = (0.1f * static_cast<float>(s) + static_cast<float>(top)) / max;
    const float error = squared_error(candidate);
    if (error < best) {
      best = error;
      inverse = candidate;
    }
  }

  float sum_vq = 0, sum_qq = 0;
  for (size_t i = 0; i < v.size(); ++i) {
    q[i] = static_cast<uint8_t>(nearest_level(inverse * v[i], 0, top));
    const float level = static_cast<float>(q[i]);
    sum_vq += weights[i] * v[i] * level;
    sum_qq += weights[i] * level * level;
  }
  bool changed = true;
  for (int pass = 0; changed && pass < kPasses; ++pass) {
    changed = false;
    for (size_t i = 0; i < v.size(); ++i) {
      const float level = static_cast<float>(q[i]);
      float vq = sum_vq - weights[i] * v[i] * level;
      float qq = sum_qq - weights[i] * level * level;
      if (!(vq > 0 && qq > 0)) continue;
      const int moved = nearest_level(v[i] * qq / vq, 0, top);
      if (moved == q[i]) continue;
      vq += weights[i] * v[i] * static_cast<float>(moved);
      qq += weights[i] * static_cast<float>(moved) * static_cast<float>(moved);
      if (vq * vq * sum_qq > sum_vq * sum_vq * qq) {
        q[i] = static_cast<uint8_t>(moved);
        sum_vq = vq;
        sum_qq = qq;
        changed = true;
      }
    }
  }
  return sum_qq > 0 ? sum_vq / sum_qq : 0.0f;
}

float plain_step(std::span<const float> v, int top, std::span<uint8_t> q) {
  const float max = std::max(0.0f, *std::ranges::max_element(v));
  const float inverse = max > 0 ? static_cast<float>(top) / max : 0.0f;
  for (size_t i = 0; i < v.size(); ++i) q[i] = static_cast<uint8_t>(nearest_level(inverse * v[i], 0, top));
  return max / static_cast<float>(top);
}

}  // namespace adder
