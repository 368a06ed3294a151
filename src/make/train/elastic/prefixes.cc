#include "make/train/elastic/prefixes.h"

#include <algorithm>

namespace adder {
namespace {

/// Ones for what stays of `blocks` blocks of `each` columns: the first `kept` of them in every one of `groups` equal
/// parts, and of each its first `kept_columns`.
torch::Tensor block_prefix(int64_t blocks, int64_t groups, int64_t kept, int64_t each, int64_t kept_columns,
                           torch::TensorOptions options) {
  torch::Tensor mask = at::zeros({groups, blocks / groups, each}, options);
  mask.narrow(1, 0, kept / groups).narrow(2, 0, kept_columns).fill_(1);
  return mask.view(-1);
}
torch::Tensor prefix(int64_t all, int64_t kept, torch::TensorOptions options) {
  return block_prefix(all, 1, kept, 1, 1, options);
}
torch::Tensor head_prefix(const ModelConfig& c, int64_t heads, int64_t channels, torch::TensorOptions options) {
  return block_prefix(c.mamba_num_heads, c.n_groups, heads, c.mamba_head_dim, channels, options);
}
torch::Tensor query_prefix(const ModelConfig& c, int64_t kv_heads, int64_t heads, torch::TensorOptions options) {
  return block_prefix(c.num_attention_heads, kv_heads, heads, c.head_dim, c.head_dim, options);
}

/// KV heads of the attention layers, all alike in a space.
int64_t kv_heads(const ModelConfig& c) {
  int64_t n = 1;
  for (const LayerConfig& layer : c.layers) n = std::max(n, layer.num_key_value_heads);
  return n;
}

RouterAxis axis_of(LayerKind kind) {
  switch (kind) {
    case LayerKind::kMamba:
      return RouterAxis::kMambaHeads;
    case LayerKind::kAttention:
      return RouterAxis::kAttentionHeads;
    case LayerKind::kMlp:
      break;
  }
  return RouterAxis::kFfn;
}

/// Calls visit(layer number, axis, slot) for every layer.
template <class Visit>
void for_layers(const SearchSpace& space, Visit&& visit) {
  int64_t mlp = 0;
  for (int i = 0; i < space.parent.n_layers(); ++i) {
    const RouterAxis axis = axis_of(space.parent.layers[static_cast<size_t>(i)].kind);
    const bool own = axis == RouterAxis::kFfn && space.ffn_per_layer;
    visit(static_cast<size_t>(i), axis, own ? mlp++ : 0);
  }
}

const torch::Tensor& of(const ChoiceWeights& weights, RouterAxis axis) {
  return weights[static_cast<size_t>(axis)];
}

/// gamma of a layer, or nothing if it always stays.
torch::Tensor gate(const SearchSpace& space, const ChoiceWeights& weights, size_t layer) {
  const auto rank = std::ranges::find(space.dropped, static_cast<int>(layer)) - space.dropped.begin();
  if (rank == std::ssize(space.dropped)) return {};
  return of(weights, RouterAxis::kDepth).select(0, 0).narrow(0, 0, rank + 1).sum();
}

}  // namespace

ChoiceWeights one_hot(const SearchSpace& space, const Decision& decision, torch::TensorOptions options) {
  ChoiceWeights weights;
  for (size_t i = 0; i < kRouterAxes; ++i) {
    const auto axis = static_cast<RouterAxis>(i);
    weights[i] = at::zeros({space.slots(axis), space.choices(axis)}, options);
    for (size_t slot = 0; slot < decision[i].size(); ++slot) {
      weights[i][static_cast<int64_t>(slot)][decision[i][slot]] = 1;
    }
  }
  return weights;
}

ExpectedSizes sizes_of(const SearchSpace& space, const ChoiceWeights& weights) {
  const auto in_f64 = [&](RouterAxis axis) { return of(weights, axis).to(torch::kFloat64); };
  const auto expected = [&](RouterAxis axis) {  // [slots]
    const torch::Tensor w = in_f64(axis);
    return at::mv(w, torch::tensor(space.widths(axis), torch::kFloat64).to(w.device()));
  };
  const torch::Tensor of_axes =
      at::cat({expected(RouterAxis::kMambaHeads), expected(RouterAxis::kAttentionHeads), expected(RouterAxis::kFfn)});
  std::vector<int64_t> where;
  for_layers(space, [&](size_t, RouterAxis axis, int64_t slot) {
    where.push_back(axis == RouterAxis::kMambaHeads ? 0 : axis == RouterAxis::kAttentionHeads ? 1 : 2 + slot);
  });
  const auto on_device = [&](const torch::Tensor& index) { return index.to(of_axes.device()); };
  const auto n_layers = static_cast<int64_t>(where.size());
  torch::Tensor gates = at::ones({n_layers}, of_axes.options().requires_grad(false));
  if (!space.dropped.empty()) {
    const torch::Tensor kept = in_f64(RouterAxis::kDepth).select(0, 0).cumsum(0);
    const std::vector<int64_t> dropped(space.dropped.begin(), space.dropped.end());
    gates = gates.scatter(0, on_device(torch::tensor(dropped, torch::kInt64)), kept.narrow(0, 0, std::ssize(dropped)));
  }
  return {expected(RouterAxis::kHidden).select(0, 0), gates,
          of_axes.index_select(0, on_device(torch::tensor(where, torch::kInt64)))};
}

ExpectedSizes sizes_of(const ModelConfig& config) {
  std::vector<double> widths;
  for (const LayerConfig& layer : config.layers) {
    widths.push_back(static_cast<double>(layer.kind == LayerKind::kMamba       ? config.mamba_num_heads
                                         : layer.kind == LayerKind::kAttention ? config.num_attention_heads
                                                                               : layer.intermediate_size));
  }
  return {torch::tensor(static_cast<double>(config.hidden_size), torch::kFloat64),
          at::ones({config.n_layers()}, torch::kFloat64), torch::tensor(widths, torch::kFloat64)};
}

Prefixes::Prefixes(SearchSpace space, torch::TensorOptions options) : space_(std::move(space)) {
  const ModelConfig& c = space_.parent;
  const auto stack = [&](RouterAxis axis, const auto& mask_of) {
    if (space_.choices(axis) < 2) return;
    std::vector<torch::Tensor> rows;
    for (const int64_t width : space_.widths(axis)) rows.push_back(mask_of(width));
    steps_[static_cast<size_t>(axis)] = at::stack(rows);
  };
  stack(RouterAxis::kHidden, [&](int64_t n) { return prefix(c.hidden_size, n, options); });
  stack(RouterAxis::kFfn, [&](int64_t n) { return prefix(space_.ffn.front(), n, options); });
  stack(RouterAxis::kMambaHeads, [&](int64_t n) { return head_prefix(c, n, c.mamba_head_dim, options); });
  stack(RouterAxis::kAttentionHeads, [&](int64_t n) { return query_prefix(c, kv_heads(c), n, options); });
}

torch::Tensor Prefixes::mask(RouterAxis axis, const ChoiceWeights& weights, int64_t slot) const {
  const torch::Tensor& steps = steps_[static_cast<size_t>(axis)];
  return steps.defined() ? at::mv(steps.t(), of(weights, axis).select(0, slot)) : torch::Tensor();
}

Masks Prefixes::masks(const ChoiceWeights& weights) const {
  Masks masks{mask(RouterAxis::kHidden, weights, 0), std::vector<LayerMask>(space_.parent.layers.size())};
  for_layers(space_, [&](size_t layer, RouterAxis axis, int64_t slot) {
    masks.layers[layer] = {mask(axis, weights, slot), gate(space_, weights, layer)};
  });
  return masks;
}

Masks masks_of(const ModelConfig& parent, const ChildShape& child, torch::TensorOptions options) {
  Masks masks{prefix(parent.hidden_size, child.d_model, options), {}};
  size_t mlp = 0;
  for (int i = 0; i < parent.n_layers(); ++i) {
    const LayerConfig& layer = parent.layers[static_cast<size_t>(i)];
    LayerMask& mask = masks.layers.emplace_back();
    if (std::ranges::binary_search(child.dropped_layers, i)) {
      mask.branch = at::zeros({}, options);
      continue;
    }
    switch (layer.kind) {
      case LayerKind::kMamba:
        mask.width = head_prefix(parent, child.mamba_heads, child.mamba_head_dim, options);
        break;
      case LayerKind::kAttention:
        mask.width = query_prefix(parent, layer.num_key_value_heads, child.attention_heads, options);
        break;
      case LayerKind::kMlp:
        mask.width = prefix(layer.intermediate_size, child.d_ff[child.d_ff.size() == 1 ? 0 : mlp++], options);
        break;
    }
  }
  return masks;
}

}  // namespace adder
