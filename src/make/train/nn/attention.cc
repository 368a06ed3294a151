#include "make/train/nn/causal_attention.h"
#include "make/train/nn/model.h"

namespace adder {

namespace {

/// Keys (first 0) or values (first 1) of all segments so far, this one's last.
torch::Tensor with_those_before(const MixerContext& ctx, size_t first, const torch::Tensor& own) {
  if (ctx.carried.empty()) return own;
  std::vector<torch::Tensor> all;
  for (size_t i = first; i < ctx.carried.size(); i += 2) all.push_back(ctx.carried[i]);
  all.push_back(own);
  return at::cat(all, 1);
}

}  // namespace

Mixed attention(const torch::Tensor& u, const MixerContext& ctx) {
  const ModelConfig& c = ctx.params.config();
  const int64_t b = ctx.batch, t = ctx.steps, width = c.head_dim, heads = c.num_attention_heads;
  const int64_t kv = c.layers[static_cast<size_t>(ctx.layer)].num_key_value_heads;
  const auto by_head = [&](Role role, int64_t n) {
    return linear(u, ctx.weight(role), ctx.options.precision).view({b, t, n, width});
  };
  const torch::Tensor q = by_head(Role::kQ, heads), own_k = by_head(Role::kK, kv), own_v = by_head(Role::kV, kv);
  const torch::Tensor o = causal_attention(q, with_those_before(ctx, 0, own_k), with_those_before(ctx, 1, own_v),
                                           ctx.starts_of(0, ctx.begin + t));
  return {linear(masked(o.view({b * t, heads * width}), ctx.width), ctx.weight(Role::kO), ctx.options.precision),
          {own_k, own_v}};
}

}  // namespace adder
