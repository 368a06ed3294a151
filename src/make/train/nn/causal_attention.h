#pragma once

#include "make/train/base/torch.h"

namespace adder {

inline constexpr int64_t kAttentionBlock = 128;  ///< queries at a time

/// Scaled dot-product attention of queries at positions begin .. begin + T - 1, each over the keys up to its own
/// position and of its own document:
///     o_t = sum_s p_ts v_s          p_t = softmax over s of q_t . k_s / sqrt(D)
/// q [B,T,H,D], k and v [B,begin + T,KV,D], query head h reads key head h / (H/KV). `starts` [B,begin + T] bool marks
/// first tokens of documents, or is undefined. Returns [B,T,H,D].
///
/// Queries go in blocks, each over the keys that its last query sees: no scores above the diagonal but those of one
/// block, neither computed nor kept.
torch::Tensor causal_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                               const torch::Tensor& starts);

}  // namespace adder
