#include "make/train/nn/norm.h"

namespace adder {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// 1 / sqrt(mean over the last axis + eps), the axis kept.
Tensor inverse_rms(const Tensor& x, double eps) {
  return (x * x).mean(-1, true).add_(eps).rsqrt_();
}

/// The gradient of x r(x) for incoming g = w dy.
Tensor normalise_backward(const Tensor& g, const Tensor& x, const Tensor& r) {
  const Tensor pull = (g * x).mean(-1, true).mul_(r).mul_(r);
  return at::addcmul(g, x, pull, -1).mul_(r);
}

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& w, double eps) {
    const Tensor r = inverse_rms(x, eps);
    ctx->save_for_backward({x, w, r});
    return (x * r).mul_(w);
  }
  static tensor_list backward(AutogradContext* ctx, const tensor_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &w = saved[1], &r = saved[2], &dy = grads[0];
    return {normalise_backward(dy * w, x, r), (dy * x).mul_(r).sum(0), Tensor()};
  }
};

struct GatedRmsNorm : torch::autograd::Function<GatedRmsNorm> {
  static Tensor forward(AutogradContext* ctx, const Tensor& y, const Tensor& z, const Tensor& w, int64_t groups,
                        double eps) {
    const Tensor gate = at::silu(z);
    const Tensor u = (y * gate).view({y.size(0), groups, -1});
    const Tensor r = inverse_rms(u, eps);
    ctx->save_for_backward({y, z, w, gate, u, r});
    return (u * r).view_as(y).mul_(w);
  }
  static tensor_list backward(AutogradContext* ctx, const tensor_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &y = saved[0], &z = saved[1], &w = saved[2], &gate = saved[3], &u = saved[4], &r = saved[5];
    const Tensor& dout = grads[0];
    const Tensor dw = (dout.view_as(u) * u).mul_(r).view_as(y).sum(0);
    const Tensor du = normalise_backward((dout * w).view_as(u), u, r).view_as(y);
    const Tensor dz = at::silu_backward(du * y, z);
    return {du * gate, dz, dw, Tensor(), Tensor()};
  }
};

/// What makes a plain norm one of the masked channels: norm(x times) over, s the part that is kept of each of `groups`.
struct KeptPart {
  Tensor times;  // mask / sqrt(s)
  Tensor over;   // sqrt(s), beside each channel

  KeptPart(const Tensor& mask, int64_t groups) {
    const Tensor by_group = mask.view({groups, -1});
    const Tensor root = by_group.mean(-1, true).sqrt();
    times = (by_group / root).view(-1);
    over = root.expand_as(by_group).reshape(-1);
  }
};

}  // namespace

Tensor rms_norm(const Tensor& x, const Tensor& w, double eps, const Tensor& mask) {
  if (!mask.defined()) return RmsNorm::apply(x, w, eps);
  const KeptPart kept(mask, 1);
  return RmsNorm::apply(x * kept.times, w * kept.over, eps);
}

Tensor gated_rms_norm(const Tensor& y, const Tensor& z, const Tensor& w, int64_t groups, double eps,
                      const Tensor& mask) {
  if (!mask.defined()) return GatedRmsNorm::apply(y, z, w, groups, eps);
  const KeptPart kept(mask, groups);
  return GatedRmsNorm::apply(y * kept.times, z, w * kept.over, groups, eps);
}

}  // namespace adder
