#pragma once

#include "make/train/base/torch.h"

namespace adder {

/// The causal depthwise convolution of Mamba-2 and its SiLU:
///     a[t,c] = bias[c] + sum_k w[c,k] x[t-(K-1)+k, c]        y = silu(a)
/// x [B,T,C], w [C,K], bias [C].  Taps that reach before t = 0, or past the start of t's document, are zero.
/// `starts` [B,T] bool marks the first token of each document; undefined when no row has a start after t = 0.
torch::Tensor causal_conv_silu(const torch::Tensor& x, const torch::Tensor& w, const torch::Tensor& bias,
                               const torch::Tensor& starts);

}  // namespace adder
