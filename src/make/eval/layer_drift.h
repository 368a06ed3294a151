#pragma once

#include <vector>

#include "run/engine/engine.h"

namespace adder {

/// How far the hidden state of a child drifts from its parent's while both run over the same text: for each layer, and
/// at last for the output matrix, the relative change of its normalised input u,
///     sqrt(sum |u_child - u_parent|^2 / sum |u_parent|^2)  over all positions.
/// Watches both engines while it lives; they must be given the same tokens in turns, the parent first.
class LayerDrift {
 public:
  LayerDrift(Engine& parent, Engine& child);
  ~LayerDrift();
  LayerDrift(const LayerDrift&) = delete;
  LayerDrift& operator=(const LayerDrift&) = delete;

  struct Layer {
    TensorSpec first;  ///< the first matrix of the layer, which takes the input
    double change = 0;
  };
  /// Empty when the two have different layers or widths.
  std::vector<Layer> layers() const;

 private:
  struct Seen {
    TensorSpec spec;
    std::vector<float> parent;  ///< of the pass at work
    double moved = 0, square = 0;
  };

  Engine& parent_;
  Engine& child_;
  std::vector<Seen> seen_;
};

}  // namespace adder
