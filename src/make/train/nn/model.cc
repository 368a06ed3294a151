#include "make/train/nn/model.h"

#include "make/train/nn/norm.h"

namespace adder {

torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& w, Precision precision) {
  if (precision == Precision::kF32) return at::linear(x, w);
  return at::linear(x.to(torch::kBFloat16), w.to(torch::kBFloat16)).to(x.scalar_type());
}

torch::Tensor mlp(const torch::Tensor& u, const MixerContext& ctx) {
  const torch::Tensor up = at::relu(linear(u, ctx.weight(Role::kUp), ctx.options.precision));
  return linear(up * up, ctx.weight(Role::kDown), ctx.options.precision);
}

torch::Tensor forward(const Parameters& params, const torch::Tensor& tokens_in, const torch::Tensor& starts_in,
                      const ForwardOptions& options) {
  const ModelConfig& config = params.config();
  const int64_t batch = tokens_in.size(0), given = tokens_in.size(1);
  // The scan wants whole chunks. Nothing looks ahead, so what stands behind the last token does not matter.
  const int64_t steps = (given + options.chunk - 1) / options.chunk * options.chunk, pad = steps - given;
  const torch::Tensor tokens = pad ? at::constant_pad_nd(tokens_in, {0, pad}, 0) : tokens_in;
  const torch::Tensor starts = pad && starts_in.defined() ? at::constant_pad_nd(starts_in, {0, pad}, 0) : starts_in;

  torch::Tensor allowed;
  if (config.count(LayerKind::kAttention) > 0) allowed = visible_keys(steps, starts, tokens.device());

  torch::Tensor h = at::embedding(params.get(Role::kEmbedding), tokens.reshape(-1));
  for (int layer = 0; layer < config.n_layers(); ++layer) {
    const torch::Tensor u = rms_norm(h, params.get(Role::kNorm, layer), config.norm_eps);
    const MixerContext ctx{params, layer, batch, steps, starts, allowed, options};
    switch (config.layers[static_cast<size_t>(layer)].kind) {
      case LayerKind::kMamba:
        h = h + mamba2(u, ctx);
        break;
      case LayerKind::kAttention:
        h = h + attention(u, ctx);
        break;
      case LayerKind::kMlp:
        h = h + mlp(u, ctx);
        break;
    }
  }
  h = rms_norm(h, params.get(Role::kOutputNorm), config.norm_eps);
  const torch::Tensor& head = params.get(config.tie_word_embeddings ? Role::kEmbedding : Role::kOutput);
  const torch::Tensor logits = linear(h, head, options.precision).view({batch, steps, config.vocab_size});
  return pad ? logits.narrow(1, 0, given) : logits;
}

}  // namespace adder
