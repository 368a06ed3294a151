#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace adder {

/// The searches that choose scales and levels of groups of n <= 32 numbers (n = 16 or 32), for eight groups at a time,
/// one to a lane of a vector. A lane does what scalar code would do for its group: all arithmetic is f32, every
/// operation rounds, sums run in index order. So the bytes depend neither on the machine nor on its instruction set.

inline constexpr size_t kLanes = 8;

/// v[e][j] is element e of group j.
struct alignas(32) Groups {
  float v[32][kLanes];
};
/// A number of each group.
struct alignas(32) Lane8 {
  float v[kLanes];
};

/// Inverse scales tried by `scale_min`: (levels + first + step s) / range for s = 0 .. steps.
struct ScaleMinGrid {
  float first, step;
  int steps;
};

/// What all formats with a min try when there is importance.
inline constexpr ScaleMinGrid kFineGrid = {-0.9f, 0.05f, 36};

enum class Loss : uint8_t { kSquared, kAbsolute };

/// Of an element where there is no importance: x^2, |x|, or |x| + the root mean square of its group.
enum class PlainWeight : uint8_t { kSquare, kMagnitude, kRmsMagnitude };

/// One instruction set's code. Groups whose largest magnitude is below 1e-15 (with a min: whose range is below 1e-30)
/// get scale 0 and levels 0.
struct Searches {
  const char* name;

  /// Of eight groups that lie one after another.
  void (*load)(const float* x, size_t n, Groups& out);
  /// The other way round, for levels.
  void (*store)(const Groups& q, size_t n, uint8_t* out);

  /// The first element of largest magnitude, with its sign.
  void (*signed_max)(const Groups& x, size_t n, Lane8& max);
  void (*range)(const Groups& x, size_t n, Lane8& min, Lane8& max);

  void (*plain_weights)(const Groups& x, size_t n, PlainWeight kind, Groups& w);
  /// w = importance sqrt(variance + x^2); w may be the importance.
  void (*weigh)(const Groups& x, const Groups& importance, size_t n, const Lane8& variance, Groups& w);
  void (*total)(const Groups& w, size_t n, Lane8& sum);

  /// x ~ scale q - min, q in 0 .. levels, min >= 0, of least weighted loss over a grid of scales: each candidate's
  /// levels are rounded from it, then scale and min solve the weighted least squares for those levels.
  void (*scale_min)(const Groups& x, const Groups& w, size_t n, int levels, const ScaleMinGrid& grid, Loss loss,
                    Groups& q, Lane8& scale, Lane8& min);

  /// x ~ scale (q - levels), q in 0 .. 2 levels - 1: of nineteen candidate scales around max/levels keeps the one whose
  /// levels explain most, (sum w x q)^2 / sum w q^2, and returns the least-squares scale for them. It may be negative:
  /// the element of largest magnitude sits at 0.
  void (*signed_scale)(const Groups& x, const Groups& w, size_t n, int levels, Groups& q, Lane8& scale);
  /// As above without candidates, weights x^2: from max/levels on, up to five passes move one level at a time while
  /// that explains more.
  void (*descend)(const Groups& x, size_t n, int levels, Groups& q, Lane8& scale);
  /// As `signed_scale` for the levels of IQ4_NL, n = 32: the element of largest magnitude is tried at +127 and at
  /// -127 -7 .. -127 +7.
  void (*iq4_scale)(const Groups& x, const Groups& w, Lane8& scale);

  /// q = (x + shift)/step, rounded half to even and limited to low .. high, minus low; q stays where step is 0.
  void (*round)(const Groups& x, size_t n, const Lane8& step, const Lane8& shift, int low, int high, Groups& q);
  /// q = (x - low) inverse + add, truncated and limited to top; n = 32.
  void (*truncate)(const Groups& x, const Lane8& inverse, const Lane8& low, float add, int top, Groups& q);
  /// x inverse, rounded half away from zero, plus 128; n = 32.
  void (*round_away)(const Groups& x, const Lane8& inverse, Groups& q);
  /// Numbers of the levels of IQ4_NL nearest to x inverse, the upper one of two equally near; n = 32.
  void (*round_iq4)(const Groups& x, const Lane8& inverse, Groups& q);
};

namespace portable {
const Searches& searches();
}
#if defined(__x86_64__)
namespace avx2 {
const Searches& searches();
}
#endif

/// Those this CPU can run, the fastest last.
std::span<const Searches* const> supported_searches();

/// The rest is for single numbers and groups.

/// v rounded half to even and limited to [low, high]; NaN gives low.
inline int nearest_level(float v, int low, int high) {
  const float limited = v > static_cast<float>(low) ? (v < static_cast<float>(high) ? v : static_cast<float>(high))
                                                    : static_cast<float>(low);
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: its last place is 1, so the addition rounds
  return static_cast<int>((limited + kRounder) - kRounder);
}

/// 1/d, or 0 where that is no finite number: a group so small has no half scale but 0.
float finite_inverse(float d);
Lane8 finite_inverse(const Lane8& d);

/// The first element of largest magnitude, with its sign; 0 for no elements.
float signed_max(std::span<const float> x);

float mean_square(std::span<const float> x);

/// Values v >= 0 on a grid of step * (0 .. top), least weighted squared error: the best of nine steps around max/top,
/// then up to five passes that move one level at a time while that explains more, and the least-squares step for the
/// levels found. Where all v are below 1e-15: 0. Writes q.
float search_step(std::span<const float> v, std::span<const float> weights, int top, std::span<uint8_t> q);

/// The same without weights: step max/top.
float plain_step(std::span<const float> v, int top, std::span<uint8_t> q);

}  // namespace adder
