#pragma once

#include "make/train/base/torch.h"

namespace adder {

/// The linear part of causal_conv_silu (conv.h) and its gradients, in two ways: row by row for a CPU, whose nearest
/// cache then holds what is worked on, and as K shifted multiply-adds of whole tensors for any device.
///     a_t = bias + sum_k w_k x_{t-k}       over the k whose x is of t's document
/// x [B,T,C] with channels in one piece, by_tap [K,C] with w_0 last, bias [C], starts [B,T] bool or undefined; a and da
/// [B,T,C] contiguous.
struct ConvGradients {
  torch::Tensor dx, d_by_tap, d_bias;
};

torch::Tensor conv_by_rows(const torch::Tensor& x, const torch::Tensor& by_tap, const torch::Tensor& bias,
                           const torch::Tensor& starts);
ConvGradients conv_by_rows_backward(const torch::Tensor& da, const torch::Tensor& x, const torch::Tensor& by_tap,
                                    const torch::Tensor& starts);

torch::Tensor conv_by_shifts(const torch::Tensor& x, const torch::Tensor& by_tap, const torch::Tensor& bias,
                             const torch::Tensor& starts);
ConvGradients conv_by_shifts_backward(const torch::Tensor& da, const torch::Tensor& x, const torch::Tensor& by_tap,
                                      const torch::Tensor& starts);

}  // namespace adder
