#pragma once

#include "make/train/base/torch.h"

#include <vector>

namespace adder {

/// How much of one layer is in use.
struct LayerMask {
  /// Over the columns of the matrix that writes back to the residual stream: [d_inner] of a Mamba layer, [heads
  /// head_dim] of attention, [F] of an MLP. Undefined: all. Every group of a Mamba layer keeps the same number of its
  /// heads.
  torch::Tensor width;
  torch::Tensor branch;  ///< gamma of x + gamma mixer(norm(x)), a scalar; undefined: 1
};

/// How much of a model is in use. Values lie in [0, 1] and may have gradients. Each mask multiplies where its width is
/// read, and there alone, so that no path meets a mask twice:
///     hidden   the input of every norm: nothing else reads the residual stream, so what is written to a channel that
///              is masked is never seen
///     width    Mamba: the input of the gated norm (heads do not meet before it); attention and MLP: that of the matrix
///              that writes back (after the squared ReLU)
///     branch   what a layer adds
/// A norm counts the channels that its mask keeps (norm.h). With masks of ones and zeros the model is therefore exactly
/// the smaller one that has only the kept channels, heads, neurons and layers.
struct Masks {
  torch::Tensor hidden;           ///< [H]; undefined: all
  std::vector<LayerMask> layers;  ///< one a layer, or none: all
};

}  // namespace adder
