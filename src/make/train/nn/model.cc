#include "make/train/nn/model.h"

#include "make/train/nn/norm.h"
#include "make/train/nn/recompute.h"

namespace adder {
namespace {

using torch::Tensor;

Tensor mixer(const Tensor& u, const MixerContext& ctx) {
  switch (ctx.params.config().layers[static_cast<size_t>(ctx.layer)].kind) {
    case LayerKind::kMamba:
      return mamba2(u, ctx);
    case LayerKind::kAttention:
      return attention(u, ctx);
    case LayerKind::kMlp:
      return mlp(u, ctx);
  }
  CHECK(false, "layer {} is of no kind", ctx.layer);
}

/// mixer(norm(h)); the parts of `ctx` that have gradients come as tensors, so that it can be computed again.
Tensor branch(const Tensor& h, const Tensor& hidden_mask, const Tensor& width, MixerContext ctx) {
  ctx.width = width;
  const Tensor u = rms_norm(h, ctx.weight(Role::kNorm), ctx.params.config().norm_eps, hidden_mask);
  return mixer(u, ctx);
}

/// A layer that is switched off for good need not be computed.
bool is_off(const Tensor& gamma) {
  return gamma.defined() && !gamma.requires_grad() && gamma.item<double>() == 0;
}

}  // namespace

torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& w, Precision precision) {
  if (precision == Precision::kF32) return at::linear(x, w);
  return at::linear(x.to(torch::kBFloat16), w.to(torch::kBFloat16)).to(x.scalar_type());
}

torch::Tensor masked(const torch::Tensor& x, const torch::Tensor& mask) {
  return mask.defined() ? x * mask : x;
}

torch::Tensor mlp(const torch::Tensor& u, const MixerContext& ctx) {
  const torch::Tensor up = at::relu(linear(u, ctx.weight(Role::kUp), ctx.options.precision));
  return linear(masked(up * up, ctx.width), ctx.weight(Role::kDown), ctx.options.precision);
}

const torch::Tensor& head(const Parameters& params) {
  return params.get(params.config().tie_word_embeddings ? Role::kEmbedding : Role::kOutput);
}

torch::Tensor hidden_states(const Parameters& params, const torch::Tensor& tokens_in, const torch::Tensor& starts_in,
                            const ForwardOptions& options) {
  const ModelConfig& config = params.config();
  const int64_t batch = tokens_in.size(0), given = tokens_in.size(1);
  // The scan wants whole chunks. Nothing looks ahead, so what stands behind the last token does not matter.
  const int64_t steps = (given + options.chunk - 1) / options.chunk * options.chunk, pad = steps - given;
  const torch::Tensor tokens = pad ? at::constant_pad_nd(tokens_in, {0, pad}, 0) : tokens_in;
  const torch::Tensor starts = pad && starts_in.defined() ? at::constant_pad_nd(starts_in, {0, pad}, 0) : starts_in;

  torch::Tensor allowed;
  if (config.count(LayerKind::kAttention) > 0) allowed = visible_keys(steps, starts, tokens.device());

  const bool partly = options.masks && !options.masks->layers.empty();
  const torch::Tensor hidden_mask = options.masks ? options.masks->hidden : torch::Tensor();
  torch::Tensor h = at::embedding(params.get(Role::kEmbedding), tokens.reshape(-1));
  for (int layer = 0; layer < config.n_layers(); ++layer) {
    const LayerMask mask = partly ? options.masks->layers[static_cast<size_t>(layer)] : LayerMask();
    if (is_off(mask.branch)) continue;
    const MixerContext ctx{params, layer, batch, steps, starts, allowed, options};
    const auto compute = [ctx](const std::vector<torch::Tensor>& in) { return branch(in[0], in[1], in[2], ctx); };
    const std::vector<torch::Tensor> in = {h, hidden_mask, mask.width};
    h = h + masked(options.recompute ? recomputed(compute, in) : compute(in), mask.branch);
  }
  h = rms_norm(h, params.get(Role::kOutputNorm), config.norm_eps, hidden_mask);
  return pad ? h.view({batch, steps, -1}).narrow(1, 0, given).reshape({batch * given, -1}) : h;
}

torch::Tensor forward(const Parameters& params, const torch::Tensor& tokens, const torch::Tensor& starts,
                      const ForwardOptions& options) {
  const torch::Tensor h = hidden_states(params, tokens, starts, options);
  return linear(h, head(params), options.precision).view({tokens.size(0), tokens.size(1), -1});
}

}  // namespace adder
