#include "core/arch/presets.h"

#include <array>

#include "core/base/check.h"

namespace adder {
namespace {

std::vector<LayerConfig> layers(std::string_view pattern, int64_t intermediate_size, int64_t num_key_value_heads) {
  auto parsed = parse_pattern(pattern, intermediate_size, num_key_value_heads);
  CHECK(parsed.has_value(), "{}", pattern);
  return std::move(parsed).value();
}

struct Preset {
  std::string_view name;
  ModelConfig (*make)();
};
constexpr std::array<Preset, 4> kPresets = {
    {{"nano-4b", nano_4b}, {"nano-9b", nano_9b}, {"nano-12b", nano_12b}, {"tiny", tiny}}};

}  // namespace

ModelConfig nano_4b() {
  ModelConfig config;
  config.layers = layers("M-M-M-MM-M-M*-M-M*-M-M-M*-M-M-MM*-MMM-M-M-", 12544, 8);
  config.vocab_size = 131072;
  config.hidden_size = 3136;
  config.num_attention_heads = 40;
  config.head_dim = 128;
  config.mamba_num_heads = 96;
  config.mamba_head_dim = 80;
  config.ssm_state_size = 128;
  config.n_groups = 8;
  config.conv_kernel = 4;
  config.max_position_embeddings = 262144;
  return config;
}

ModelConfig nano_9b() {
  ModelConfig config;
  config.layers = layers("M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-", 15680, 8);
  config.vocab_size = 131072;
  config.hidden_size = 4480;
  config.num_attention_heads = 40;
  config.head_dim = 128;
  config.mamba_num_heads = 128;
  config.mamba_head_dim = 80;
  config.ssm_state_size = 128;
  config.n_groups = 8;
  config.conv_kernel = 4;
  config.max_position_embeddings = 131072;
  return config;
}

ModelConfig nano_12b() {
  ModelConfig config = nano_9b();
  config.layers = layers("M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M-", 20480, 8);
  config.hidden_size = 5120;
  return config;
}

ModelConfig tiny() {
  ModelConfig config;
  config.layers = layers("M-M*-MM-", 512, 2);
  config.vocab_size = 2048;
  config.hidden_size = 160;
  config.num_attention_heads = 8;
  config.head_dim = 32;
  config.mamba_num_heads = 16;
  config.mamba_head_dim = 16;
  config.ssm_state_size = 32;
  config.n_groups = 4;
  config.conv_kernel = 4;
  config.max_position_embeddings = 4096;
  return config;
}

std::optional<ModelConfig> find_preset(std::string_view name) {
  for (const Preset& preset : kPresets)
    if (preset.name == name) return preset.make();
  return std::nullopt;
}

std::vector<std::string_view> preset_names() {
  std::vector<std::string_view> names;
  for (const Preset& preset : kPresets) names.push_back(preset.name);
  return names;
}

}  // namespace adder
