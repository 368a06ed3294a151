#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace adder {

/// How large the numbers of a tensor are: the largest, and if asked how many there are of each size. Sizes are the
/// upper 16 bits of a float without its sign: 128 to a power of two, and every number in BF16 is one.
class Magnitudes {
 public:
  explicit Magnitudes(bool counted = false) : counted_(counted) {}

  void add(std::span<const float> x);
  void add(const Magnitudes& other);

  float largest() const { return largest_; }  ///< 0 of nothing; NaN or Inf if there was one
  /// The least size that so many per cent (0 to 100) of the numbers do not exceed: counted ones only.
  float percentile(double percent) const;
  /// The limit that costs least when numbers are rounded to FP8 with scale = limit / 448 and what lies beyond it
  /// saturates: of 39 between 0.25 and 4 times the largest the one with the least sum of squared errors. Counted ones
  /// only.
  float least_squares() const;

 private:
  double squared_error(float limit) const;

  bool counted_;
  bool is_exact_ = true;  ///< every number was a size
  float largest_ = 0;
  std::vector<uint64_t> counts_;  ///< by size, once there is a number
};

}  // namespace adder
