#pragma once

#include "make/train/base/torch.h"

#include <array>

#include "make/train/elastic/space.h"
#include "make/train/nn/masks.h"

namespace adder {

/// How much each choice of every axis weighs, [slots, choices] each, rows summing to 1: a router's probabilities, or
/// ones and zeros.
using ChoiceWeights = std::array<torch::Tensor, kRouterAxes>;
ChoiceWeights one_hot(const SearchSpace& space, const Decision& decision, torch::TensorOptions options);

/// Sizes under such weights, in f64 with gradients: sum of weight times size. A layer that is kept with probability 0.3
/// has the gate 0.3.
struct ExpectedSizes {
  torch::Tensor hidden;  ///< scalar
  torch::Tensor gates;   ///< [layers], gamma
  torch::Tensor widths;  ///< [layers], Mamba heads, attention heads, FFN neurons
};
ExpectedSizes sizes_of(const SearchSpace& space, const ChoiceWeights& weights);
ExpectedSizes sizes_of(const ModelConfig& config);  ///< of a whole model

/// The masks of prefixes: a width mask is sum_a weight_a (ones up to choice a), a staircase for probabilities. Of heads
/// it is the first c / G of every group, of attention heads the first of every KV head, so that the masked model is the
/// sliced one. The layer at rank r of the drop list, gone from depth r + 1 on, has gamma = sum_{n <= r} weight_n.
class Prefixes {
 public:
  Prefixes(SearchSpace space, torch::TensorOptions options);

  Masks masks(const ChoiceWeights& weights) const;
  const SearchSpace& space() const { return space_; }

 private:
  torch::Tensor mask(RouterAxis axis, const ChoiceWeights& weights, int64_t slot) const;

  SearchSpace space_;
  std::array<torch::Tensor, kRouterAxes> steps_;  ///< [choices, columns], ones and zeros; undefined for one choice
};

/// The masks of one child, ones and zeros.
Masks masks_of(const ModelConfig& parent, const ChildShape& child, torch::TensorOptions options);

}  // namespace adder
