#include "core/arch/config_gguf.h"

#include <algorithm>
#include <optional>

#include "core/arch/problems.h"
#include "core/formats/gguf_type.h"

namespace adder {
namespace {

constexpr std::string_view kPrefix = "nemotron_h.";

std::string key(std::string_view name) {
  return fmt::format("{}{}", kPrefix, name);
}

/// Metadata access that notes errors and goes on.
class Metadata {
 public:
  Metadata(const Gguf& file, Problems& problems) : file_(file), problems_(problems) {}

  bool has(std::string_view name) const { return file_.find(key(name)) != nullptr; }
  int64_t integer(std::string_view name) { return problems_.take(file_.integer(key(name))); }
  int64_t integer_or_zero(std::string_view name) { return has(name) ? integer(name) : 0; }
  double number(std::string_view name) { return problems_.take(file_.number(key(name))); }
  std::vector<int64_t> per_layer(std::string_view name, int64_t n) {
    std::vector<int64_t> values = problems_.take(file_.integers_per_layer(key(name), n));
    values.resize(static_cast<size_t>(n));
    return values;
  }

 private:
  const Gguf& file_;
  Problems& problems_;
};

Status check_architecture(const Gguf& file) {
  TRY_ASSIGN(const std::string architecture, file.text("general.architecture"));
  if (architecture == "nemotron_h") return {};
  const std::string_view what = architecture == "nemotron_h_moe" ? " (mixture of experts)" : "";
  return Error::unsupported("architecture '{}'{} is not supported; supported: {}", architecture, what,
                            kSupportedArchitectures);
}

/// A scalar, or an array of which only the attention layers count.
int64_t attention_heads(Metadata& metadata, const ModelConfig& config, Problems& problems) {
  const std::vector<int64_t> heads = metadata.per_layer("attention.head_count", config.n_layers());
  std::optional<int64_t> common;
  for (size_t i = 0; i < heads.size(); ++i) {
    if (config.layers[i].kind != LayerKind::kAttention) continue;
    if (common && *common != heads[i])
      problems.add("{}: layer {} has {} heads, an earlier one {}; all attention layers must have the same",
                   key("attention.head_count"), i, heads[i], *common);
    common = common.value_or(heads[i]);
  }
  return common.value_or(heads.empty() ? 0 : std::ranges::max(heads));
}

void read_layers(Metadata& metadata, ModelConfig& config, Problems& problems) {
  const int64_t n = metadata.integer("block_count");
  if (n < 0 || n > 4096) return problems.add("{} is {}, must be 1 to 4096", key("block_count"), n);
  const std::vector<int64_t> ff = metadata.per_layer("feed_forward_length", n);
  const std::vector<int64_t> kv = metadata.per_layer("attention.head_count_kv", n);
  for (size_t i = 0; i < ff.size(); ++i) {
    if (ff[i] != 0)
      config.layers.push_back({LayerKind::kMlp, ff[i], 0});
    else if (kv[i] != 0)
      config.layers.push_back({LayerKind::kAttention, 0, kv[i]});
    else
      config.layers.push_back({LayerKind::kMamba, 0, 0});
  }
}

void read_attention(Metadata& metadata, ModelConfig& config, Problems& problems) {
  const bool used = config.count(LayerKind::kAttention) > 0;
  if (!used && !metadata.has("attention.head_count")) return;
  config.num_attention_heads = attention_heads(metadata, config, problems);
  config.head_dim = used ? metadata.integer("attention.key_length") : metadata.integer_or_zero("attention.key_length");
  const int64_t value_length =
      metadata.has("attention.value_length") ? metadata.integer("attention.value_length") : config.head_dim;
  if (value_length != config.head_dim)
    problems.add("{} {} differs from key_length {}", key("attention.value_length"), value_length, config.head_dim);
}

void read_mamba(Metadata& metadata, ModelConfig& config, Problems& problems) {
  if (config.count(LayerKind::kMamba) == 0 && !metadata.has("ssm.inner_size")) return;
  config.mamba_num_heads = metadata.integer("ssm.time_step_rank");
  config.ssm_state_size = metadata.integer("ssm.state_size");
  config.n_groups = metadata.integer("ssm.group_count");
  config.conv_kernel = metadata.integer("ssm.conv_kernel");
  const int64_t d_inner = metadata.integer("ssm.inner_size");
  if (config.mamba_num_heads <= 0) return;  // noted, or for validate to note
  if (d_inner % config.mamba_num_heads != 0)
    problems.add("{} {} is no multiple of the head count {} ({})", key("ssm.inner_size"), d_inner,
                 config.mamba_num_heads, key("ssm.time_step_rank"));
  config.mamba_head_dim = d_inner / config.mamba_num_heads;
}

GgufEntry scalar(std::string key, GgufType type, GgufValue value) {
  return {std::move(key), static_cast<uint32_t>(type), false, std::move(value)};
}

}  // namespace

Result<ModelConfig> config_from_gguf(const Gguf& file) {
  TRY(check_architecture(file));
  Problems problems;
  Metadata metadata(file, problems);
  ModelConfig config;
  read_layers(metadata, config, problems);
  config.hidden_size = metadata.integer("embedding_length");
  const TensorView* embedding = file.find_tensor("token_embd.weight");
  if (metadata.has("vocab_size") || !embedding)
    config.vocab_size = metadata.integer("vocab_size");
  else
    config.vocab_size = embedding->shape.rows();  // older converters leave the key out
  read_attention(metadata, config, problems);
  read_mamba(metadata, config, problems);
  config.norm_eps = metadata.number("attention.layer_norm_rms_epsilon");
  config.max_position_embeddings = metadata.integer_or_zero("context_length");
  config.tie_word_embeddings = file.find_tensor("output.weight") == nullptr;
  TRY(problems.status(ErrorCode::kCorrupt, "metadata"));
  return config;
}

GgufEntry gguf_u32(std::string key, int64_t value) {
  CHECK(value >= 0 && value <= 0xffffffffLL, "{} {}", key, value);
  return scalar(std::move(key), GgufType::kU32, static_cast<uint64_t>(value));
}
GgufEntry gguf_f32(std::string key, double value) {
  return scalar(std::move(key), GgufType::kF32, value);
}
GgufEntry gguf_bool(std::string key, bool value) {
  return scalar(std::move(key), GgufType::kBool, value);
}
GgufEntry gguf_text(std::string key, std::string value) {
  return scalar(std::move(key), GgufType::kText, std::move(value));
}
GgufEntry gguf_i32s(std::string key, std::vector<int64_t> values) {
  return {std::move(key), static_cast<uint32_t>(GgufType::kI32), true, std::move(values)};
}

std::vector<GgufEntry> gguf_metadata(const ModelConfig& c) {
  std::vector<int64_t> ff, kv;
  for (const LayerConfig& layer : c.layers) {
    ff.push_back(layer.intermediate_size);
    kv.push_back(layer.num_key_value_heads);
  }
  return {
      gguf_text("general.architecture", "nemotron_h"),
      gguf_text("general.type", "model"),
      gguf_u32("general.quantization_version", 2),
      gguf_u32(key("block_count"), c.n_layers()),
      gguf_u32(key("context_length"), c.max_position_embeddings),
      gguf_u32(key("embedding_length"), c.hidden_size),
      gguf_i32s(key("feed_forward_length"), std::move(ff)),
      gguf_u32(key("attention.head_count"), c.num_attention_heads),
      gguf_i32s(key("attention.head_count_kv"), std::move(kv)),
      gguf_u32(key("attention.key_length"), c.head_dim),
      gguf_u32(key("attention.value_length"), c.head_dim),
      gguf_f32(key("attention.layer_norm_rms_epsilon"), c.norm_eps),
      gguf_f32(key("attention.layer_norm_epsilon"), c.norm_eps),
      gguf_f32(key("rope.freq_base"), 10000),
      gguf_u32(key("rope.dimension_count"), c.num_attention_heads > 0 ? c.hidden_size / c.num_attention_heads : 0),
      gguf_bool(key("rope.scaling.finetuned"), false),
      gguf_u32(key("vocab_size"), c.vocab_size),
      gguf_u32(key("ssm.conv_kernel"), c.conv_kernel),
      gguf_u32(key("ssm.state_size"), c.ssm_state_size),
      gguf_u32(key("ssm.group_count"), c.n_groups),
      gguf_u32(key("ssm.inner_size"), c.d_inner()),
      gguf_u32(key("ssm.time_step_rank"), c.mamba_num_heads),
  };
}

}  // namespace adder
