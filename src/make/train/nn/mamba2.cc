#include "make/train/nn/conv.h"
#include "make/train/nn/model.h"
#include "make/train/nn/norm.h"
#include "make/train/nn/ssd.h"

namespace adder {

torch::Tensor mamba2(const torch::Tensor& u, const MixerContext& ctx) {
  const ModelConfig& c = ctx.params.config();
  const int64_t b = ctx.batch, t = ctx.steps, shared = c.n_groups * c.ssm_state_size;

  const torch::Tensor p = linear(u, ctx.weight(Role::kSsmIn), ctx.options.precision);
  const auto parts = at::split_with_sizes(p, {c.d_inner(), c.conv_dim(), c.mamba_num_heads}, 1);
  const torch::Tensor& z = parts[0];

  const torch::Tensor xbc = causal_conv_silu(parts[1].view({b, t, c.conv_dim()}), ctx.weight(Role::kConvWeight),
                                             ctx.weight(Role::kConvBias), ctx.starts);
  const auto xbc_parts = at::split_with_sizes(xbc, {c.d_inner(), shared, shared}, 2);

  SsdInputs in;
  in.x = xbc_parts[0].view({b, t, c.mamba_num_heads, c.mamba_head_dim});
  in.b = xbc_parts[1].view({b, t, c.n_groups, c.ssm_state_size});
  in.c = xbc_parts[2].view({b, t, c.n_groups, c.ssm_state_size});
  in.dt = at::softplus(parts[2] + ctx.weight(Role::kDtBias)).view({b, t, c.mamba_num_heads});
  in.a = ctx.weight(Role::kA).exp().neg();
  in.d = ctx.weight(Role::kD);
  in.starts = ctx.starts;

  const torch::Tensor y = ssd(in, ctx.options.chunk).view({b * t, c.d_inner()});
  const torch::Tensor normed = gated_rms_norm(y, z, ctx.weight(Role::kSsmNorm), c.n_groups, c.norm_eps, ctx.width);
  return linear(normed, ctx.weight(Role::kSsmOut), ctx.options.precision);
}

}  // namespace adder
