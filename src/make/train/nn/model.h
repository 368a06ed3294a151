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
  /// Positions of a layer computed at once, a multiple of `chunk`; 0: all. What a layer carries from one segment to the
  /// next (MixerContext::carried) takes its gradient along, so the result is the same. With `recompute`, activations
  /// are those of one segment of one layer.
  int64_t segment = 0;
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

/// Where a mixer is at work: on positions begin .. begin + steps - 1.
struct MixerContext {
  const Parameters& params;
  int layer;
  int64_t batch, begin, steps;
  torch::Tensor starts;  ///< as above, of all positions
  ForwardOptions options;
  torch::Tensor width = {};                 ///< LayerMask::width
  std::vector<torch::Tensor> carried = {};  ///< what the segments before have left, none at position 0

  const torch::Tensor& weight(Role role) const { return params.get(role, layer); }
  /// Those of positions from .. from + n - 1, or undefined.
  torch::Tensor starts_of(int64_t from, int64_t n) const {
    return starts.defined() ? starts.narrow(1, from, n) : torch::Tensor();
  }
};

/// A mixer's output, and what it leaves to the next segment:
///     Mamba       the last K-1 inputs of the convolution [B,K-1,conv_dim], the state (ssd.h); they replace `carried`
///     attention   keys and values [B,steps,KV,D]; they come after those in `carried`
struct Mixed {
  torch::Tensor out;  ///< [B*steps,H]
  std::vector<torch::Tensor> carry = {};
};

/// The three mixers, u [B*steps,H], exposed for tests.
Mixed mamba2(const torch::Tensor& u, const MixerContext& ctx);
Mixed attention(const torch::Tensor& u, const MixerContext& ctx);
Mixed mlp(const torch::Tensor& u, const MixerContext& ctx);

/// y = x w^T in the chosen precision, result in the type of x.
torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& w, Precision precision);

/// x, or positions first .. first + n - 1 of it, [B,T,...]: a part that is all of it needs no gradient of its own size.
torch::Tensor positions(const torch::Tensor& x, int64_t first, int64_t n);

/// x, or x times a mask over its columns.
torch::Tensor masked(const torch::Tensor& x, const torch::Tensor& mask);

}  // namespace adder
