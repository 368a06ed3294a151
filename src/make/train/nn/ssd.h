#pragma once

#include "make/train/base/torch.h"

namespace adder {

/// What the selective state-space scan reads. g = h / (Hm/G).
struct SsdInputs {
  torch::Tensor x;   ///< [B,T,Hm,P] after the convolution
  torch::Tensor dt;  ///< [B,T,Hm] after softplus
  torch::Tensor a;   ///< [Hm], negative: -exp(A_log)
  torch::Tensor b;   ///< [B,T,G,N]
  torch::Tensor c;   ///< [B,T,G,N]
  torch::Tensor d;   ///< [Hm]
  /// [B,T] bool, the first token of each document, at which the state is forgotten; undefined when no row has a start
  /// after t = 0.
  torch::Tensor starts;
  torch::Tensor before;  ///< the state that the positions before have left, as SsdOutputs::state; undefined: zero
};

struct SsdOutputs {
  torch::Tensor y;      ///< [B,T,Hm,P]
  torch::Tensor state;  ///< S after the last position, [B,G,N,Hm/G,P]
};

/// For every head h and channel p:
///     S_t = exp(dt_t a) S_{t-1} + dt_t x_t b_t^T          y_t = S_t c_t + d x_t
/// evaluated in chunks of `chunk` positions as matrix products (SSD, arXiv 2405.21060 section 6), with its own backward
/// pass. T must be a multiple of `chunk`.
SsdOutputs ssd(const SsdInputs& in, int64_t chunk);

}  // namespace adder
