#pragma once

#include "make/train/base/torch.h"

namespace adder {

/// y = w x / sqrt(mean(x^2) + eps), mean over the last axis.  x [R,H], w [H].
/// Backward, r = (mean x^2 + eps)^(-1/2), g = w dy:  dx = r g - r^3 mean(g x) x,  dw = sum_R dy x r.
torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& w, double eps);

/// The Mamba-2 output norm, gate first: u = y silu(z), then RMSNorm of each of `groups` equal parts of a row, times w.
/// y, z [R,d_inner], w [d_inner].
torch::Tensor gated_rms_norm(const torch::Tensor& y, const torch::Tensor& z, const torch::Tensor& w, int64_t groups,
                             double eps);

}  // namespace adder
