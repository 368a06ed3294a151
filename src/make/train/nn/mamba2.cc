#include "make/train/nn/conv.h"
#include "make/train/nn/model.h"
#include "make/train/nn/norm.h"
#include "make/train/nn/ssd.h"

namespace adder {

Mixed mamba2(const torch::Tensor& u, const MixerContext& ctx) {
  const ModelConfig& c = ctx.params.config();
  const int64_t b = ctx.batch, t = ctx.steps, shared = c.n_groups * c.ssm_state_size;

  const torch::Tensor p = linear(u, ctx.weight(Role::kSsmIn), ctx.options.precision);
  const auto parts = at::split_with_sizes(p, {c.d_inner(), c.conv_dim(), c.mamba_num_heads}, 1);
  const torch::Tensor& z = parts[0];

  // The inputs of the convolution that lie before this segment come with it, and their outputs go again.
  torch::Tensor conv_in = parts[1].view({b, t, c.conv_dim()});
  if (!ctx.carried.empty()) conv_in = at::cat({ctx.carried[0], conv_in}, 1);
  const int64_t from_before = conv_in.size(1) - t, tail = std::min(c.conv_kernel - 1, conv_in.size(1));
  const torch::Tensor convolved = causal_conv_silu(conv_in, ctx.weight(Role::kConvWeight), ctx.weight(Role::kConvBias),
                                                   ctx.starts_of(ctx.begin - from_before, from_before + t));
  const torch::Tensor xbc = positions(convolved, from_before, t);
  const auto xbc_parts = at::split_with_sizes(xbc, {c.d_inner(), shared, shared}, 2);

  SsdInputs in;
  in.x = xbc_parts[0].view({b, t, c.mamba_num_heads, c.mamba_head_dim});
  in.b = xbc_parts[1].view({b, t, c.n_groups, c.ssm_state_size});
  in.c = xbc_parts[2].view({b, t, c.n_groups, c.ssm_state_size});
  in.dt = at::softplus(parts[2] + ctx.weight(Role::kDtBias)).view({b, t, c.mamba_num_heads});
  in.a = ctx.weight(Role::kA).exp().neg();
  in.d = ctx.weight(Role::kD);
  in.starts = ctx.starts_of(ctx.begin, t);
  if (!ctx.carried.empty()) in.before = ctx.carried[1];

  const SsdOutputs scanned = ssd(in, ctx.options.chunk);
  const torch::Tensor y = scanned.y.view({b * t, c.d_inner()});
  const torch::Tensor normed = gated_rms_norm(y, z, ctx.weight(Role::kSsmNorm), c.n_groups, c.norm_eps, ctx.width);
  return {linear(normed, ctx.weight(Role::kSsmOut), ctx.options.precision),
          {conv_in.narrow(1, conv_in.size(1) - tail, tail), scanned.state}};
}

}  // namespace adder
