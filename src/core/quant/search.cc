#include "core/quant/search.h"

#include <algorithm>
#include <array>

#include "core/base/check.h"

namespace adder {

float signed_max(std::span<const float> x) {
  float max = 0;
  for (const float v : x)
    if (std::fabs(v) > std::fabs(max)) max = v;
  return max;
}

float sum_of_squares(std::span<const float> x) {
  float sum = 0;
  for (const float v : x) sum += v * v;
  return sum;
}

void weigh(std::span<const float> x, std::span<const float> importance, float variance, std::span<float> weights) {
  for (size_t i = 0; i < x.size(); ++i) weights[i] = importance[i] * std::sqrt(variance + x[i] * x[i]);
}

ScaleMin search_scale_min(std::span<const float> x, std::span<const float> weights, int levels,
                          const ScaleMinGrid& grid, std::span<uint8_t> q) {
  constexpr float kNegligible = 1e-30f;  // far below half's range, far above where levels/range would overflow
  constexpr size_t kLongest = 32;
  const size_t n = x.size();
  DCHECK(n <= kLongest && weights.size() == n && q.size() == n);

  float low = std::min(0.0f, *std::ranges::min_element(x));
  const float high = *std::ranges::max_element(x);
  if (high - low < kNegligible) {
    std::ranges::fill(q, uint8_t{0});
    return {0, -low};
  }
  float sum_w = 0, sum_x = 0;
  for (size_t i = 0; i < n; ++i) {
    sum_w += weights[i];
    sum_x += weights[i] * x[i];
  }

  std::array<uint8_t, kLongest> candidate;
  const auto round_levels = [&](float inverse) {
    for (size_t i = 0; i < n; ++i)
      candidate[i] = static_cast<uint8_t>(nearest_level(inverse * (x[i] - low), 0, levels));
  };
  const auto squared_error = [&](float scale, float min) {
    float sum = 0;
    for (size_t i = 0; i < n; ++i) {
      const float difference = scale * static_cast<float>(candidate[i]) + min - x[i];
      sum += weights[i] * (difference * difference);
    }
    return sum;
  };

  const float start = static_cast<float>(levels) / (high - low);
  round_levels(start);
  float scale = 1.0f / start;
  float best = squared_error(scale, low);
  std::copy_n(candidate.begin(), n, q.begin());

  for (int s = 0; s <= grid.steps; ++s) {
    // `low` is the best so far, so the candidates move with it.
    round_levels((grid.first + grid.step * static_cast<float>(s) + static_cast<float>(levels)) / (high - low));
    float sum_q = 0, sum_qq = 0, sum_xq = 0;
    for (size_t i = 0; i < n; ++i) {
      const float level = static_cast<float>(candidate[i]);
      sum_q += weights[i] * level;
      sum_qq += weights[i] * level * level;
      sum_xq += weights[i] * level * x[i];
    }
    const float determinant = sum_w * sum_qq - sum_q * sum_q;
    if (!(determinant > 0)) continue;
    float new_scale = (sum_w * sum_xq - sum_x * sum_q) / determinant;
    float new_low = (sum_qq * sum_x - sum_q * sum_xq) / determinant;
    if (new_low > 0) {  // the stored min cannot be negative
      new_low = 0;
      new_scale = sum_xq / sum_qq;
    }
    const float error = squared_error(new_scale, new_low);
    if (error < best) {
      best = error;
      scale = new_scale;
      low = new_low;
      std::copy_n(candidate.begin(), n, q.begin());
    }
  }
  return {scale, -low};
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

float search_signed_scale(std::span<const float> x, std::span<const float> weights, int levels, std::span<uint8_t> q) {
  constexpr float kNegligible = 1e-15f;
  const float max = signed_max(x);
  std::ranges::fill(q, uint8_t{0});
  if (std::fabs(max) < kNegligible) return 0;

  const auto level = [&](float inverse, float v) { return nearest_level(inverse * v, -levels, levels - 1); };
  float scale = 0, explained = 0;
  const auto consider = [&](float inverse) {
    float sum_xq = 0, sum_qq = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const float l = static_cast<float>(level(inverse, x[i]));
      sum_xq += weights[i] * x[i] * l;
      sum_qq += weights[i] * l * l;
    }
    if (!(sum_qq > 0 && sum_xq * sum_xq > explained * sum_qq)) return;
    scale = sum_xq / sum_qq;
    explained = scale * sum_xq;
    for (size_t i = 0; i < x.size(); ++i) q[i] = static_cast<uint8_t>(level(inverse, x[i]) + levels);
  };
  consider(-static_cast<float>(levels) / max);
  for (int s = -9; s <= 9; ++s)
    if (s != 0) consider(-(static_cast<float>(levels) + 0.1f * static_cast<float>(s)) / max);
  return scale;
}

}  // namespace adder
