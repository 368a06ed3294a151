#pragma once

#include <span>
#include <string>
#include <vector>

#include "make/eval/divergence.h"
#include "make/eval/layer_drift.h"
#include "make/verify/diff.h"

namespace adder {

/// What is known of one child of a comparison.
struct ComparedChild {
  std::string name;
  uint64_t bytes = 0;  ///< of tensor data
  DivergenceReport report;
  std::vector<LayerDrift::Layer> layers = {};             ///< empty: not known
  std::vector<TensorDifference> tensors = {};             ///< of one shape and other values; empty: not looked at
  std::vector<std::pair<std::string, double>> bits = {};  ///< per weight, of each matrix
};

/// A page with the figures of all children, size against divergence, and for each its drift from layer to layer, the
/// bits of its tensors and the table of their errors.
std::string comparison_page(const std::string& parent, std::span<const ComparedChild> children);

}  // namespace adder
