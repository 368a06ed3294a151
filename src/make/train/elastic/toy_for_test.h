#pragma once

#include "make/train/base/torch.h"

#include <numeric>

#include "core/arch/presets.h"
#include "core/nest/child.h"
#include "make/train/elastic/recipe.h"
#include "make/train/nn/parameters.h"

namespace adder::test {

/// Two groups of four heads, two KV heads of two, and two layers of each kind.
inline ModelConfig toy_config() {
  ModelConfig config;
  config.layers = parse_pattern("M-*M-*", 20, 2).value();
  config.vocab_size = 13;
  config.hidden_size = 24;
  config.num_attention_heads = 4;
  config.head_dim = 4;
  config.mamba_num_heads = 8;
  config.mamba_head_dim = 6;
  config.ssm_state_size = 5;
  config.n_groups = 2;
  config.conv_kernel = 4;
  config.max_position_embeddings = 64;
  return config;
}

/// Random, and far from where training starts: norms and skips too. The same in every thread that asks.
inline Parameters toy_parameters(torch::TensorOptions options = torch::kFloat32) {
  Parameters params(toy_config(), options);
  params.initialise(11, 0.25);
  torch::NoGradGuard no_grad;
  const at::Generator generator = at::detail::createCPUGenerator(4);
  for (torch::Tensor& value : params.values()) {
    if (value.dim() == 1) value.add_(at::randn(value.sizes(), generator, value.options()), 0.3);
  }
  return params;
}

inline torch::Tensor toy_tokens(int64_t rows = 2, int64_t length = 11) {
  torch::manual_seed(5);
  return at::randint(0, 13, {rows, length}, torch::kInt64);
}

inline ElasticRecipe toy_recipe() {
  ElasticRecipe r;
  r.name = "toy";
  r.seed = 3;
  r.seq_len = 8;
  r.batch = 4;
  r.lanes = 2;
  r.micro_batch = 1;
  r.chunk = 4;
  r.optimizer = "adamw";
  r.learning_rate = r.matrix_rate = 1e-3;
  r.beta1 = 0.9;
  r.beta2 = 0.95;
  r.clip = 1;
  r.schedule = "wsd";
  r.total_steps = 100;
  r.kd = 1;
  r.temperature = 1;
  r.width = 6;
  r.init_std = 0.1;
  r.router_rate = 1e-2;
  r.mode = "soft";
  r.temperatures = {1, 0.05};
  r.scales = {1, 10};
  r.cost = "parameters";
  r.names = {"small"};
  r.fractions = {0.5};
  r.shares = {1};
  r.lambda = 1;
  r.dead_zone = {0.05, 0.01};
  r.hidden = {24, 16, 8};
  r.ffn = {20, 12, 4};
  r.mamba_heads = {8, 6, 4};
  r.attention_heads = {4, 2};
  r.hidden_multiple = r.ffn_multiple = 4;
  r.most_dropped = 2;
  return r;
}

inline SearchSpace toy_space(const ElasticRecipe& recipe = toy_recipe()) {
  return search_space(recipe, toy_config(), {4, 3, 1}).value();
}

/// The published shapes: choices as in recipes/elastic/nano-4b.toml, the drop list made up.
inline SearchSpace nano_space() {
  SearchSpace space{.parent = nano_9b()};
  space.hidden = {4480, 4032, 3584, 3136, 2688};
  space.ffn = {15680, 14112, 12544, 10976, 9408};
  space.mamba_heads = {128, 112, 96, 80, 64};
  space.attention_heads = {40};
  for (int i = 55; std::ssize(space.dropped) < 20; --i) {
    if (space.parent.layers[static_cast<size_t>(i)].kind != LayerKind::kAttention) space.dropped.push_back(i);
  }
  return space;
}

/// The child as surgery cuts it out: prefixes of every axis, written down by role.
inline Parameters sliced(const Parameters& parent, const ChildShape& shape) {
  const ModelConfig& p = parent.config();
  Parameters child(child_config(p, shape).value(), parent.values().front().options().requires_grad(false));
  const std::vector<int> layers = kept_layers(p, shape);
  const auto range = [](int64_t n, int64_t from = 0) {
    std::vector<int64_t> list(static_cast<size_t>(n));
    std::iota(list.begin(), list.end(), from);
    return list;
  };
  const auto joined = [](std::vector<int64_t> list, const std::vector<int64_t>& more, int64_t from) {
    for (const int64_t i : more) list.push_back(from + i);
    return list;
  };
  // Heads stay in their group; of each, the first channels.
  std::vector<int64_t> heads, channels;
  for (int64_t h = 0; h < p.mamba_num_heads; ++h) {
    if (h % (p.mamba_num_heads / p.n_groups) >= shape.mamba_heads / p.n_groups) continue;
    heads.push_back(h);
    for (int64_t c = 0; c < shape.mamba_head_dim; ++c) channels.push_back(h * p.mamba_head_dim + c);
  }
  const int64_t inner = p.d_inner(), shared = 2 * p.n_groups * p.ssm_state_size;
  const std::vector<int64_t> conv = joined(channels, range(shared), inner);
  const std::vector<int64_t> in_rows = joined(joined(channels, conv, inner), heads, 2 * inner + shared);
  const std::vector<int64_t> hidden = range(shape.d_model);

  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < child.specs().size(); ++i) {
    const TensorSpec& spec = child.specs()[i];
    const int layer = spec.layer < 0 ? -1 : layers[static_cast<size_t>(spec.layer)];
    const torch::Tensor from = parent.get(spec.role, layer);
    const auto take = [](const torch::Tensor& t, int64_t axis, const std::vector<int64_t>& which) {
      return t.index_select(axis, torch::tensor(which, torch::kInt64));
    };
    const auto query_rows = [&] {
      const int64_t kv = p.layers[static_cast<size_t>(layer)].num_key_value_heads, each = p.num_attention_heads / kv;
      std::vector<int64_t> rows;
      for (int64_t h = 0; h < p.num_attention_heads; ++h) {
        if (h % each < shape.attention_heads / kv) rows = joined(rows, range(p.head_dim), h * p.head_dim);
      }
      return rows;
    };
    torch::Tensor part;
    switch (spec.role) {
      case Role::kEmbedding:
      case Role::kOutput:
      case Role::kK:
      case Role::kV:
        part = take(from, 1, hidden);
        break;
      case Role::kOutputNorm:
      case Role::kNorm:
        part = take(from, 0, hidden);
        break;
      case Role::kSsmIn:
        part = take(take(from, 0, in_rows), 1, hidden);
        break;
      case Role::kConvWeight:
      case Role::kConvBias:
        part = take(from, 0, conv);
        break;
      case Role::kDtBias:
      case Role::kA:
      case Role::kD:
        part = take(from, 0, heads);
        break;
      case Role::kSsmNorm:
        part = take(from, 0, channels);
        break;
      case Role::kSsmOut:
        part = take(take(from, 0, hidden), 1, channels);
        break;
      case Role::kQ:
        part = take(take(from, 0, query_rows()), 1, hidden);
        break;
      case Role::kO:
        part = take(take(from, 0, hidden), 1, query_rows());
        break;
      case Role::kUp:
        part = take(take(from, 0, range(spec.shape[0])), 1, hidden);
        break;
      case Role::kDown:
        part = take(take(from, 0, hidden), 1, range(spec.shape[1]));
        break;
    }
    child.values()[i].copy_(part);
  }
  return child;
}

}  // namespace adder::test
