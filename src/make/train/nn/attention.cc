#include <cmath>
#include <limits>

#include "make/train/nn/model.h"

namespace adder {

namespace {

/// Which key each query may see: causal, same document. [B or 1,1,steps,begin + steps] bool.
torch::Tensor visible_keys(const MixerContext& ctx, torch::Device device) {
  const int64_t keys = ctx.begin + ctx.steps;
  torch::Tensor allowed = at::ones({1, 1, ctx.steps, keys}, torch::dtype(torch::kBool).device(device)).tril_(ctx.begin);
  if (!ctx.starts.defined()) return allowed;
  const torch::Tensor document = ctx.starts_of(0, keys).cumsum(1);
  const torch::Tensor asking = document.narrow(1, ctx.begin, ctx.steps);
  return allowed.logical_and(asking.unsqueeze(-1).eq(document.unsqueeze(-2)).unsqueeze(1));
}

/// Keys (first 0) or values (first 1) of all segments so far, this one's last.
torch::Tensor with_those_before(const MixerContext& ctx, size_t first, const torch::Tensor& own) {
  if (ctx.carried.empty()) return own;
  std::vector<torch::Tensor> all;
  for (size_t i = first; i < ctx.carried.size(); i += 2) all.push_back(ctx.carried[i]);
  all.push_back(own);
  return at::cat(all, 2);
}

}  // namespace

Mixed attention(const torch::Tensor& u, const MixerContext& ctx) {
  const ModelConfig& c = ctx.params.config();
  const int64_t b = ctx.batch, t = ctx.steps, width = c.head_dim, heads = c.num_attention_heads;
  const int64_t kv = c.layers[static_cast<size_t>(ctx.layer)].num_key_value_heads;
  const auto by_head = [&](Role role, int64_t n) {
    return linear(u, ctx.weight(role), ctx.options.precision).view({b, t, n, width}).transpose(1, 2);
  };
  // The query heads of one key/value head stand below each other: one matrix product for all of them.
  const torch::Tensor q = by_head(Role::kQ, heads).reshape({b, kv, heads / kv * t, width});
  const torch::Tensor own_k = by_head(Role::kK, kv), own_v = by_head(Role::kV, kv);
  const torch::Tensor k = with_those_before(ctx, 0, own_k), v = with_those_before(ctx, 1, own_v);

  const torch::Tensor scores = at::matmul(q * (1 / std::sqrt(static_cast<double>(width))), k.transpose(2, 3));
  const torch::Tensor hidden = visible_keys(ctx, u.device()).logical_not();
  const torch::Tensor visible =
      scores.view({b, heads, t, -1}).masked_fill(hidden, -std::numeric_limits<double>::infinity());
  const torch::Tensor p = at::softmax(visible, -1).view({b, kv, heads / kv * t, -1});
  const torch::Tensor o = at::matmul(p, v).view({b, heads, t, width}).transpose(1, 2).reshape({b * t, heads * width});
  return {linear(masked(o, ctx.width), ctx.weight(Role::kO), ctx.options.precision), {own_k, own_v}};
}

}  // namespace adder
