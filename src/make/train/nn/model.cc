#include "make/train/nn/model.h"

#include "make/train/nn/norm.h"
#include "make/train/nn/recompute.h"

namespace adder {
namespace {

using torch::Tensor;

LayerKind kind_of(const MixerContext& ctx) {
  return ctx.params.config().layers[static_cast<size_t>(ctx.layer)].kind;
}

Mixed mixer(const Tensor& u, const MixerContext& ctx) {
  switch (kind_of(ctx)) {
    case LayerKind::kMamba:
      return mamba2(u, ctx);
    case LayerKind::kAttention:
      return attention(u, ctx);
    case LayerKind::kMlp:
      return mlp(u, ctx);
  }
  CHECK(false, "layer {} is of no kind", ctx.layer);
}

/// mixer(norm(h)) and what it carries on. in: h, the masks of channels and width, what is carried: all that has a
/// gradient and is no weight, so that it can be computed again.
std::vector<Tensor> branch(const std::vector<Tensor>& in, MixerContext ctx) {
  ctx.width = in[2];
  ctx.carried.assign(in.begin() + 3, in.end());
  Mixed mixed = mixer(rms_norm(in[0], ctx.weight(Role::kNorm), ctx.params.config().norm_eps, in[1]), ctx);
  std::vector<Tensor> out = {mixed.out};
  out.insert(out.end(), mixed.carry.begin(), mixed.carry.end());
  return out;
}

/// The branch of a layer for h [B*T,H], a segment after the other.
Tensor in_segments(const Tensor& h, const Tensor& hidden_mask, const Tensor& width, const MixerContext& whole) {
  const int64_t length = whole.options.segment > 0 ? whole.options.segment : whole.steps;
  const Tensor rows = h.view({whole.batch, whole.steps, -1});
  std::vector<Tensor> carried, outs;
  for (int64_t begin = 0; begin < whole.steps; begin += length) {
    MixerContext ctx = whole;
    ctx.begin = begin;
    ctx.steps = std::min(length, whole.steps - begin);
    std::vector<Tensor> in = {positions(rows, begin, ctx.steps).reshape({-1, h.size(1)}), hidden_mask, width};
    in.insert(in.end(), carried.begin(), carried.end());
    const auto compute = [ctx](const std::vector<Tensor>& again) { return branch(again, ctx); };
    const std::vector<Tensor> out = whole.options.recompute ? recomputed(compute, in) : compute(in);
    outs.push_back(out[0].view({whole.batch, ctx.steps, -1}));
    if (kind_of(ctx) != LayerKind::kAttention) carried.clear();
    carried.insert(carried.end(), out.begin() + 1, out.end());
  }
  return (outs.size() == 1 ? outs[0] : at::cat(outs, 1)).view_as(h);
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

torch::Tensor positions(const torch::Tensor& x, int64_t first, int64_t n) {
  return n == x.size(1) ? x : x.narrow(1, first, n);
}

torch::Tensor masked(const torch::Tensor& x, const torch::Tensor& mask) {
  return mask.defined() ? x * mask : x;
}

Mixed mlp(const torch::Tensor& u, const MixerContext& ctx) {
  const torch::Tensor up = at::relu(linear(u, ctx.weight(Role::kUp), ctx.options.precision));
  return {linear(masked(up * up, ctx.width), ctx.weight(Role::kDown), ctx.options.precision)};
}

const torch::Tensor& head(const Parameters& params) {
  return params.get(params.config().tie_word_embeddings ? Role::kEmbedding : Role::kOutput);
}

torch::Tensor hidden_states(const Parameters& params, const torch::Tensor& tokens_in, const torch::Tensor& starts_in,
                            const ForwardOptions& options) {
  const ModelConfig& config = params.config();
  const int64_t batch = tokens_in.size(0), given = tokens_in.size(1);
  CHECK(options.segment % options.chunk == 0, "segments of {} in chunks of {}", options.segment, options.chunk);
  // The scan wants whole chunks. Nothing looks ahead, so what stands behind the last token does not matter.
  const int64_t steps = (given + options.chunk - 1) / options.chunk * options.chunk, pad = steps - given;
  const torch::Tensor tokens = pad ? at::constant_pad_nd(tokens_in, {0, pad}, 0) : tokens_in;
  const torch::Tensor starts = pad && starts_in.defined() ? at::constant_pad_nd(starts_in, {0, pad}, 0) : starts_in;

  const bool partly = options.masks && !options.masks->layers.empty();
  const torch::Tensor hidden_mask = options.masks ? options.masks->hidden : torch::Tensor();
  torch::Tensor h = at::embedding(params.get(Role::kEmbedding), tokens.reshape(-1));
  for (int layer = 0; layer < config.n_layers(); ++layer) {
    const LayerMask mask = partly ? options.masks->layers[static_cast<size_t>(layer)] : LayerMask();
    if (is_off(mask.branch)) continue;
    const MixerContext ctx{params, layer, batch, 0, steps, starts, options};
    h = h + masked(in_segments(h, hidden_mask, mask.width, ctx), mask.branch);
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
