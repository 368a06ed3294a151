#include "core/arch/roles.h"

#include <array>

namespace adder {
namespace {

/// What never changes about a role. {i} stands for the layer.
struct RoleRow {
  Role role;
  std::string_view name;
  std::string_view gguf;
  std::string_view hf;
  bool is_matrix;
};

// clang-format off
constexpr std::array<RoleRow, 18> kRoles = {{
    {Role::kEmbedding,  "embedding",   "token_embd.weight",            "backbone.embeddings.weight",                true},
    {Role::kOutputNorm, "output_norm", "output_norm.weight",           "backbone.norm_f.weight",                    false},
    {Role::kOutput,     "output",      "output.weight",                "lm_head.weight",                            true},
    {Role::kNorm,       "norm",        "blk.{}.attn_norm.weight",      "backbone.layers.{}.norm.weight",            false},
    {Role::kSsmIn,      "ssm_in",      "blk.{}.ssm_in.weight",         "backbone.layers.{}.mixer.in_proj.weight",   true},
    {Role::kConvWeight, "conv_weight", "blk.{}.ssm_conv1d.weight",     "backbone.layers.{}.mixer.conv1d.weight",    false},
    {Role::kConvBias,   "conv_bias",   "blk.{}.ssm_conv1d.bias",       "backbone.layers.{}.mixer.conv1d.bias",      false},
    {Role::kDtBias,     "dt_bias",     "blk.{}.ssm_dt.bias",           "backbone.layers.{}.mixer.dt_bias",          false},
    {Role::kA,          "a",           "blk.{}.ssm_a",                 "backbone.layers.{}.mixer.A_log",            false},
    {Role::kD,          "d",           "blk.{}.ssm_d",                 "backbone.layers.{}.mixer.D",                false},
    {Role::kSsmNorm,    "ssm_norm",    "blk.{}.ssm_norm.weight",       "backbone.layers.{}.mixer.norm.weight",      false},
    {Role::kSsmOut,     "ssm_out",     "blk.{}.ssm_out.weight",        "backbone.layers.{}.mixer.out_proj.weight",  true},
    {Role::kQ,          "q",           "blk.{}.attn_q.weight",         "backbone.layers.{}.mixer.q_proj.weight",    true},
    {Role::kK,          "k",           "blk.{}.attn_k.weight",         "backbone.layers.{}.mixer.k_proj.weight",    true},
    {Role::kV,          "v",           "blk.{}.attn_v.weight",         "backbone.layers.{}.mixer.v_proj.weight",    true},
    {Role::kO,          "o",           "blk.{}.attn_output.weight",    "backbone.layers.{}.mixer.o_proj.weight",    true},
    {Role::kUp,         "up",          "blk.{}.ffn_up.weight",         "backbone.layers.{}.mixer.up_proj.weight",   true},
    {Role::kDown,       "down",        "blk.{}.ffn_down.weight",       "backbone.layers.{}.mixer.down_proj.weight", true},
}};
// clang-format on

const RoleRow& row(Role role) {
  return kRoles[static_cast<size_t>(role)];
}

Shape canonical_shape(Role role, const ModelConfig& c, const LayerConfig& layer) {
  const int64_t kv_rows = layer.num_key_value_heads * c.head_dim;
  switch (role) {
    case Role::kEmbedding:
    case Role::kOutput:
      return {c.vocab_size, c.hidden_size};
    case Role::kOutputNorm:
    case Role::kNorm:
      return {c.hidden_size};
    case Role::kSsmIn:
      return {c.in_proj_rows(), c.hidden_size};
    case Role::kConvWeight:
      return {c.conv_dim(), c.conv_kernel};
    case Role::kConvBias:
      return {c.conv_dim()};
    case Role::kDtBias:
    case Role::kA:
    case Role::kD:
      return {c.mamba_num_heads};
    case Role::kSsmNorm:
      return {c.d_inner()};
    case Role::kSsmOut:
      return {c.hidden_size, c.d_inner()};
    case Role::kQ:
      return {c.q_rows(), c.hidden_size};
    case Role::kK:
    case Role::kV:
      return {kv_rows, c.hidden_size};
    case Role::kO:
      return {c.hidden_size, c.q_rows()};
    case Role::kUp:
      return {layer.intermediate_size, c.hidden_size};
    case Role::kDown:
      return {c.hidden_size, layer.intermediate_size};
  }
  CHECK(false, "role {}", static_cast<int>(role));
}

std::span<const Role> mixer_roles(LayerKind kind) {
  static constexpr std::array kMambaRoles = {Role::kSsmIn, Role::kConvWeight, Role::kConvBias, Role::kDtBias,
                                             Role::kA,     Role::kD,          Role::kSsmNorm,  Role::kSsmOut};
  static constexpr std::array kAttentionRoles = {Role::kQ, Role::kK, Role::kV, Role::kO};
  static constexpr std::array kMlpRoles = {Role::kUp, Role::kDown};
  switch (kind) {
    case LayerKind::kMamba:
      return kMambaRoles;
    case LayerKind::kAttention:
      return kAttentionRoles;
    case LayerKind::kMlp:
      return kMlpRoles;
  }
  CHECK(false, "layer kind {}", static_cast<int>(kind));
}

}  // namespace

std::string_view name(Role role) {
  return row(role).name;
}

std::vector<TensorSpec> tensor_specs(const ModelConfig& config) {
  std::vector<TensorSpec> specs;
  const auto add = [&](Role role, int layer) {
    const RoleRow& r = row(role);
    const LayerConfig widths = layer < 0 ? LayerConfig{} : config.layers[static_cast<size_t>(layer)];
    specs.push_back({role, layer, canonical_shape(role, config, widths), fmt::format(fmt::runtime(r.gguf), layer),
                     fmt::format(fmt::runtime(r.hf), layer), r.is_matrix});
  };
  add(Role::kEmbedding, -1);
  for (int i = 0; i < static_cast<int>(config.n_layers()); ++i) {
    add(Role::kNorm, i);
    for (const Role role : mixer_roles(config.layers[static_cast<size_t>(i)].kind)) add(role, i);
  }
  add(Role::kOutputNorm, -1);
  if (!config.tie_word_embeddings) add(Role::kOutput, -1);
  return specs;
}

Shape gguf_shape(const TensorSpec& spec, const ModelConfig& config) {
  if (spec.role == Role::kA || spec.role == Role::kD) return {config.mamba_num_heads, 1};
  if (spec.role == Role::kSsmNorm) return {config.n_groups, config.d_inner() / config.n_groups};
  return spec.shape;
}

Shape hf_shape(const TensorSpec& spec, const ModelConfig& config) {
  if (spec.role == Role::kConvWeight) return {config.conv_dim(), 1, config.conv_kernel};
  return spec.shape;
}

}  // namespace adder
