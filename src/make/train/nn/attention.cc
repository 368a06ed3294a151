#include <cmath>
#include <limits>

#include "make/train/nn/model.h"

namespace adder {

torch::Tensor visible_keys(int64_t steps, const torch::Tensor& starts, torch::Device device) {
  torch::Tensor allowed = at::ones({1, 1, steps, steps}, torch::dtype(torch::kBool).device(device)).tril_();
  if (!starts.defined()) return allowed;
  const torch::Tensor document = starts.cumsum(1);
  return allowed.logical_and(document.unsqueeze(-1).eq(document.unsqueeze(-2)).unsqueeze(1));
}

torch::Tensor attention(const torch::Tensor& u, const MixerContext& ctx) {
  const ModelConfig& c = ctx.params.config();
  const int64_t b = ctx.batch, t = ctx.steps, width = c.head_dim, heads = c.num_attention_heads;
  const int64_t kv = c.layers[static_cast<size_t>(ctx.layer)].num_key_value_heads;
  const auto by_head = [&](Role role, int64_t n) {
    return linear(u, ctx.weight(role), ctx.options.precision).view({b, t, n, width}).transpose(1, 2);
  };
  // The query heads of one key/value head stand below each other: one matrix product for all of them.
  const torch::Tensor q = by_head(Role::kQ, heads).reshape({b, kv, heads / kv * t, width});
  const torch::Tensor k = by_head(Role::kK, kv), v = by_head(Role::kV, kv);

  const torch::Tensor scores = at::matmul(q * (1 / std::sqrt(static_cast<double>(width))), k.transpose(2, 3));
  const torch::Tensor visible =
      scores.view({b, heads, t, t}).masked_fill(ctx.allowed.logical_not(), -std::numeric_limits<double>::infinity());
  const torch::Tensor p = at::softmax(visible, -1).view({b, kv, heads / kv * t, t});
  const torch::Tensor o = at::matmul(p, v).view({b, heads, t, width}).transpose(1, 2).reshape({b * t, heads * width});
  return linear(masked(o, ctx.width), ctx.weight(Role::kO), ctx.options.precision);
}

}  // namespace adder
