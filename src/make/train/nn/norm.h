#pragma once

#include "make/train/base/torch.h"

namespace adder {

/// y = w x / sqrt(mean(x^2) + eps), mean over the last axis.  x [R,H], w [H].
/// Backward, r = (mean x^2 + eps)^(-1/2), g = w dy:  dx = r g - r^3 mean(g x) x,  dw = sum_R dy x r.
///
/// `mask` m [H] keeps k = sum(m) channels; undefined, all. Then with u = m x
///     y = w u / sqrt(sum(u^2) / k + eps),
/// for ones and zeros the norm of the kept channels alone. It is computed as sqrt(s) norm(u / sqrt(s)), s = k / H.
torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& w, double eps, const torch::Tensor& mask = {});

/// The Mamba-2 output norm, gate first: u = y silu(z), then RMSNorm of each of `groups` equal parts of a row, times w.
/// y, z [R,d_inner], w [d_inner]. `mask` [d_inner] as above, with a k for each group.
torch::Tensor gated_rms_norm(const torch::Tensor& y, const torch::Tensor& z, const torch::Tensor& w, int64_t groups,
                             double eps, const torch::Tensor& mask = {});

}  // namespace adder
