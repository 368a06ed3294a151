#include "make/train/elastic/cost.h"

namespace adder {
namespace {

double number(int64_t n) {
  return static_cast<double>(n);
}

/// Gates and widths of the layers of a kind, and what of the config goes with each of them.
struct LayersOfAKind {
  torch::Tensor gates, widths, kv;  // [n]; kv: elements of a position's keys and values

  LayersOfAKind(const ModelConfig& c, const ExpectedSizes& sizes, LayerKind kind) {
    std::vector<int64_t> where;
    std::vector<double> kv_widths;
    for (int64_t i = 0; i < c.n_layers(); ++i) {
      const LayerConfig& layer = c.layers[static_cast<size_t>(i)];
      if (layer.kind != kind) continue;
      where.push_back(i);
      kv_widths.push_back(2 * number(layer.num_key_value_heads * c.head_dim));
    }
    const torch::Tensor index = torch::tensor(where, torch::kInt64).to(sizes.gates.device());
    gates = sizes.gates.index_select(0, index);
    widths = sizes.widths.index_select(0, index);
    kv = torch::tensor(kv_widths, torch::kFloat64).to(sizes.gates.device());
  }
};

/// `tables`: how often the vocabulary's matrix is counted.
torch::Tensor parameters(const ModelConfig& c, const ExpectedSizes& sizes, int64_t tables) {
  const torch::Tensor& hidden = sizes.hidden;
  const LayersOfAKind mamba(c, sizes, LayerKind::kMamba), attention(c, sizes, LayerKind::kAttention),
      mlp(c, sizes, LayerKind::kMlp);
  const double shared = 2 * number(c.n_groups * c.ssm_state_size);
  const torch::Tensor m = mamba.widths, inner = m * number(c.mamba_head_dim), q = attention.widths * number(c.head_dim);
  const torch::Tensor of_mamba = hidden + hidden * (inner * 2 + shared + m) +
                                 (inner + shared) * (number(c.conv_kernel) + 1) + m * 3 + inner + inner * hidden;
  const torch::Tensor of_attention = hidden + hidden * (q + attention.kv) + q * hidden;
  const torch::Tensor of_mlp = hidden + hidden * mlp.widths * 2;
  return at::dot(mamba.gates, of_mamba) + at::dot(attention.gates, of_attention) + at::dot(mlp.gates, of_mlp) +
         hidden * (number(c.vocab_size * tables) + 1);
}

}  // namespace

Cost parameter_cost(const ModelConfig& parent) {
  return [parent](const ExpectedSizes& sizes) { return parameters(parent, sizes, parent.tie_word_embeddings ? 1 : 2); };
}

Cost byte_cost(const ModelConfig& parent, const ByteSizes& bytes) {
  return [parent, bytes](const ExpectedSizes& sizes) {
    const double one_row = parent.tie_word_embeddings ? 0 : 1;
    const torch::Tensor weights = parameters(parent, sizes, 1) + sizes.hidden * one_row;
    const LayersOfAKind mamba(parent, sizes, LayerKind::kMamba), attention(parent, sizes, LayerKind::kAttention);
    const torch::Tensor kv = at::dot(attention.gates, attention.kv);
    const torch::Tensor state =
        at::dot(mamba.gates, mamba.widths) * number(parent.mamba_head_dim * parent.ssm_state_size);
    return weights * bytes.weight + kv * (bytes.kv * number(bytes.context)) + state * (2 * bytes.state);
  };
}

Cost latency_cost(const ModelConfig& parent, LatencyTable table) {
  return [parent, table = std::move(table)](const ExpectedSizes& sizes) {
    torch::Tensor time = table.head(sizes.hidden);
    for (int64_t i = 0; i < parent.n_layers(); ++i) {
      const LayerKind kind = parent.layers[static_cast<size_t>(i)].kind;
      time = time + sizes.gates.select(0, i) * table.layer(kind, sizes.hidden, sizes.widths.select(0, i));
    }
    return time;
  };
}

}  // namespace adder
