#pragma once

#include <cstdint>
#include <span>

#include "core/arch/roles.h"

namespace adder {

/// Weights that make a model behave like a trained one in all but what it says: every activation stays O(1) at any
/// depth, width and pattern, recurrent states neither die nor grow, attention looks at some keys more than others, and
/// the logits have a standard deviation of about 2.
///
///   embedding           N(0, 1); 2/sqrt(H) when it is the output matrix too
///   output              2/sqrt(H)
///   linear maps in      1/sqrt(fan in), so that a normed input gives N(0, 1); q and k 1.4 times that
///   linear maps out     so that each of the L layers adds a variance of 1/L to the residual stream, which ends near 2
///   conv taps           N(0, 1/K), bias N(0, 0.1^2)
///   A, dt_bias          A = -1 .. -Hm over the heads; softplus(dt_bias) log-uniform in [0.001, 0.1]
///   D, norm weights     uniform in [0.5, 1.5], [0.8, 1.2]
///
/// A normal draw is the sum of the four bytes of one random word: 1021 levels, at most 3.45 standard deviations.
class RandomWeights {
 public:
  RandomWeights(const ModelConfig& config, uint64_t seed) : config_(config), seed_(seed) {}

  /// Row `row` of a tensor in canonical shape. Depends on (seed, role, layer, row) and the config alone.
  void fill_row(const TensorSpec& spec, int64_t row, std::span<float> out) const;

  /// No number of this matrix can have a larger magnitude.
  float largest(const TensorSpec& spec) const;

 private:
  float deviation(const TensorSpec& spec) const;

  ModelConfig config_;
  uint64_t seed_;
};

}  // namespace adder
