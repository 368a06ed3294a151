#pragma once

#include <cmath>
#include <cstdint>
#include <span>

namespace adder {

/// The searches that choose scales and levels of a group of values. All arithmetic is f32, sums run in index order,
/// so a group gives the same bytes on every machine.

/// v rounded half to even and limited to [low, high]; NaN gives low.
inline int nearest_level(float v, int low, int high) {
  const float limited = v > static_cast<float>(low) ? (v < static_cast<float>(high) ? v : static_cast<float>(high))
                                                    : static_cast<float>(low);
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: its last place is 1, so the addition rounds
  return static_cast<int>((limited + kRounder) - kRounder);
}

/// 1/d, or 0 where that is no finite number: a group so small has no half scale but 0.
inline float finite_inverse(float d) {
  const float inverse = 1.0f / d;
  return std::isfinite(inverse) ? inverse : 0.0f;
}

/// The first element of largest magnitude, with its sign; 0 for no elements.
float signed_max(std::span<const float> x);

/// x ~ scale q - min with min >= 0.
struct ScaleMin {
  float scale = 0, min = 0;
};

/// Inverse scales tried by `search_scale_min`: (levels + first + step s) / range for s = 0 .. steps.
struct ScaleMinGrid {
  float first, step;
  int steps;
};

/// What all formats with a min try when there is importance.
inline constexpr ScaleMinGrid kFineGrid = {-0.9f, 0.05f, 36};

/// Least weighted squared error over a grid of scales, q in 0 .. levels: each candidate's levels are rounded from it,
/// then scale and min solve the weighted least squares for those levels. Writes q.
ScaleMin search_scale_min(std::span<const float> x, std::span<const float> weights, int levels,
                          const ScaleMinGrid& grid, std::span<uint8_t> q);

/// Values v >= 0 on a grid of step * (0 .. top), least weighted squared error: the best of nine steps around max/top,
/// then up to five passes that move one level at a time while that explains more, and the least-squares step for the
/// levels found. Where all v are below 1e-15: 0. Writes q.
float search_step(std::span<const float> v, std::span<const float> weights, int top, std::span<uint8_t> q);

/// x ~ scale q with q in -levels .. levels-1: of nineteen candidate scales around max/levels keeps the
/// one whose levels explain most, (sum w x q)^2 / sum w q^2, and returns the least-squares scale for them. Its sign may
/// be negative: the element of largest magnitude sits at -levels. Writes q + levels. Where all x are below 1e-15: 0,
/// and 0 for every level.
float search_signed_scale(std::span<const float> x, std::span<const float> weights, int levels, std::span<uint8_t> q);

/// The weights of a search with importance: importance_i sqrt(variance + x_i^2).
void weigh(std::span<const float> x, std::span<const float> importance, float variance, std::span<float> weights);

/// Sum of squares, in index order.
float sum_of_squares(std::span<const float> x);

}  // namespace adder
