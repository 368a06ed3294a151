#include "core/nest/nested_order.h"

#include <numeric>

namespace adder {
namespace {

std::vector<int64_t> numbers_from_zero(int64_t n) {
  std::vector<int64_t> numbers(static_cast<size_t>(n));
  std::iota(numbers.begin(), numbers.end(), int64_t{0});
  return numbers;
}

}  // namespace

LayerOrder order_layer(const ModelConfig& config, const LayerConfig& layer, const OrderOfParts& order) {
  LayerOrder made;
  switch (layer.kind) {
    case LayerKind::kMlp:
      made.ffn = order(Axis::kFfn, layer.intermediate_size, 1);
      break;
    case LayerKind::kMamba:
      made.mamba_heads = order(Axis::kMambaHeads, config.mamba_num_heads, config.n_groups);
      made.mamba_channels = order(Axis::kMambaChannels, config.mamba_head_dim, 1);
      break;
    case LayerKind::kAttention:
      made.attention_heads = order(Axis::kAttentionHeads, config.num_attention_heads, layer.num_key_value_heads);
      break;
  }
  return made;
}

NestedOrder unchanged_order(const ModelConfig& config) {
  NestedOrder order;
  order.hidden = numbers_from_zero(config.hidden_size);
  for (const LayerConfig& layer : config.layers)
    order.layers.push_back(order_layer(config, layer, [](Axis, int64_t n, int64_t) { return numbers_from_zero(n); }));
  return order;
}

}  // namespace adder
