#pragma once

#include "make/train/base/torch.h"

#include "make/train/nn/masks.h"
#include "make/train/nn/parameters.h"

namespace adder {

/// How the forward pass is evaluated, and how much of the model.
struct ForwardOptions {
  Precision precision = Precision::kF32;  ///< of the linear maps
  int64_t chunk = 64;                     ///< positions in a chunk of the state-space scan
  /// Keep the inputs of the layers alone for the backward pass, which computes each layer once more: a third more work,
  /// and activations of one layer instead of all.
  /// `params` must then live until the backward pass is over.
  bool recompute = false;
  const Masks* masks = nullptr;  ///< null: all of it
};

/// Logits [B,T,V] of the model in `params` (equations: src/run/kernels/ops.h; same layers as src/run/model).
/// tokens [B,T] int64. `starts` [B,T] bool marks the first token of each document: convolution, state and attention do
/// not look past it. It may be undefined when no row has a start after t = 0.
torch::Tensor forward(const Parameters& params, const torch::Tensor& tokens, const torch::Tensor& starts,
                      const ForwardOptions& options = {});

/// The same up to the output norm, [B T,H]: logits = hidden head^T. Losses that go over the rows block by block
/// (make/train/loss) need not hold all logits.
torch::Tensor hidden_states(const Parameters& params, const torch::Tensor& tokens, const torch::Tensor& starts,
                            const ForwardOptions& options = {});
const torch::Tensor& head(const Parameters& params);  ///< [V,H]

/// The three mixers, u [B*T,H] -> [B*T,H], exposed for tests.
struct MixerContext {
  const Parameters& params;
  int layer;
  int64_t batch, steps;
  torch::Tensor starts;   ///< as above
  torch::Tensor allowed;  ///< [B or 1,1,T,T] bool, which keys a query may see
  ForwardOptions options;
  torch::Tensor width = {};  ///< LayerMask::width

  const torch::Tensor& weight(Role role) const { return params.get(role, layer); }
};
torch::Tensor mamba2(const torch::Tensor& u, const MixerContext& ctx);
torch::Tensor attention(const torch::Tensor& u, const MixerContext& ctx);
torch::Tensor mlp(const torch::Tensor& u, const MixerContext& ctx);

/// y = x w^T in the chosen precision, result in the type of x.
torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& w, Precision precision);

/// x, or x times a mask over its columns.
torch::Tensor masked(const torch::Tensor& x, const torch::Tensor& mask);

/// Which key each query may see: causal, same document. [B or 1,1,T,T] bool.
torch::Tensor visible_keys(int64_t steps, const torch::Tensor& starts, torch::Device device);

}  // namespace adder
