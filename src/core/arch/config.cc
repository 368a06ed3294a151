#include "core/arch/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/arch/config_gguf.h"
#include "core/arch/config_json.h"
#include "core/arch/problems.h"
#include "core/formats/model_file.h"

namespace adder {
namespace {

// Far above every published model, and small enough that no product of two widths, nor the sum of such products over
// all layers, leaves int64.
constexpr int64_t kMaxLayers = 4096;
constexpr int64_t kMaxWidth = int64_t{1} << 22;
constexpr int64_t kMaxVocab = int64_t{1} << 24;
constexpr int64_t kMaxState = 4096;
constexpr int64_t kMaxConvKernel = 64;
constexpr int64_t kMaxPositions = (int64_t{1} << 32) - 1;  // u32 in GGUF

struct Checker {
  Problems& problems;

  bool range(std::string_view what, int64_t value, int64_t low, int64_t high) {
    if (value >= low && value <= high) return true;
    problems.add("{} is {}, must be {} to {}", what, value, low, high);
    return false;
  }
  void multiple(std::string_view what, int64_t value, std::string_view of, int64_t divisor) {
    if (divisor > 0 && value % divisor != 0) problems.add("{} {} is no multiple of {} {}", what, value, of, divisor);
  }
};

/// Unlike &&, after every check has had its say.
bool all(std::initializer_list<bool> held) {
  return std::find(held.begin(), held.end(), false) == held.end();
}

void check_layers(const ModelConfig& c, Checker check) {
  for (size_t i = 0; i < c.layers.size(); ++i) {
    const LayerConfig& layer = c.layers[i];
    const int64_t mlp_low = layer.kind == LayerKind::kMlp ? 1 : 0;
    const int64_t mlp_high = layer.kind == LayerKind::kMlp ? kMaxWidth : 0;
    check.range(fmt::format("intermediate_size of layer {}", i), layer.intermediate_size, mlp_low, mlp_high);
    const int64_t kv_low = layer.kind == LayerKind::kAttention ? 1 : 0;
    const int64_t kv_high = layer.kind == LayerKind::kAttention ? kMaxWidth : 0;
    if (check.range(fmt::format("num_key_value_heads of layer {}", i), layer.num_key_value_heads, kv_low, kv_high))
      check.multiple("num_attention_heads", c.num_attention_heads, fmt::format("num_key_value_heads of layer {}:", i),
                     layer.num_key_value_heads);
  }
}

}  // namespace

double ModelConfig::printed_norm_eps() const {
  const std::string shortest = fmt::format("{}", static_cast<float>(norm_eps));
  double value = norm_eps;
  std::from_chars(shortest.data(), shortest.data() + shortest.size(), value);
  return value;
}

int64_t ModelConfig::count(LayerKind kind) const {
  return std::ranges::count(layers, kind, [](const LayerConfig& layer) { return layer.kind; });
}

std::string ModelConfig::pattern() const {
  std::string text;
  for (const LayerConfig& layer : layers) text.push_back(static_cast<char>(layer.kind));
  return text;
}

Result<std::vector<LayerConfig>> parse_pattern(std::string_view pattern, int64_t intermediate_size,
                                               int64_t num_key_value_heads) {
  std::vector<LayerConfig> layers;
  for (size_t i = 0; i < pattern.size(); ++i) {
    switch (const char letter = pattern[i]) {
      case 'M':
        layers.push_back({LayerKind::kMamba, 0, 0});
        break;
      case '*':
        layers.push_back({LayerKind::kAttention, 0, num_key_value_heads});
        break;
      case '-':
        layers.push_back({LayerKind::kMlp, intermediate_size, 0});
        break;
      case '|':
        break;
      case 'E':
        return Error::unsupported("layer pattern has 'E' (mixture of experts) at character {}; supported: {}", i,
                                  kSupportedArchitectures);
      default:
        return Error::corrupt("layer pattern has '{}' at character {}; letters are M (Mamba-2), * (attention), - (MLP)",
                              letter >= ' ' && letter <= '~' ? std::string(1, letter)
                                                             : fmt::format("\\x{:02x}", static_cast<uint8_t>(letter)),
                              i);
    }
  }
  return layers;
}

Status validate(const ModelConfig& c) {
  Problems problems;
  Checker check{problems};
  check.range("number of layers", c.n_layers(), 1, kMaxLayers);
  check.range("vocab_size", c.vocab_size, 1, kMaxVocab);
  check.range("hidden_size", c.hidden_size, 1, kMaxWidth);
  check.range("max_position_embeddings", c.max_position_embeddings, 0, kMaxPositions);
  if (!(c.norm_eps > 0 && c.norm_eps < 1)) problems.add("norm_eps is {}, must lie between 0 and 1", c.norm_eps);

  const int64_t attention = c.count(LayerKind::kAttention) > 0 ? 1 : 0;
  if (all({check.range("num_attention_heads", c.num_attention_heads, attention, kMaxWidth),
           check.range("head_dim", c.head_dim, attention, kMaxWidth)}))
    check.range("num_attention_heads x head_dim", c.q_rows(), attention, kMaxWidth);

  const int64_t mamba = c.count(LayerKind::kMamba) > 0 ? 1 : 0;
  if (all({check.range("mamba_num_heads", c.mamba_num_heads, mamba, kMaxWidth),
           check.range("mamba_head_dim", c.mamba_head_dim, mamba, kMaxWidth),
           check.range("ssm_state_size", c.ssm_state_size, mamba, kMaxState),
           check.range("n_groups", c.n_groups, mamba, kMaxWidth)})) {
    check.range("mamba_num_heads x mamba_head_dim", c.d_inner(), mamba, kMaxWidth);
    check.range("n_groups x ssm_state_size", c.n_groups * c.ssm_state_size, mamba, kMaxWidth);
    check.multiple("mamba_num_heads", c.mamba_num_heads, "n_groups", c.n_groups);
  }
  check.range("conv_kernel", c.conv_kernel, mamba, kMaxConvKernel);

  if (c.n_layers() <= kMaxLayers) check_layers(c, check);
  return problems.status(ErrorCode::kCorrupt, "model config");
}

Result<ModelConfig> read_config(const ModelFile& file) {
  auto config = file.gguf() ? config_from_gguf(*file.gguf()) : config_from_json(file.hf()->config());
  if (!config) return std::move(config).error().in(file.path());
  if (auto valid = validate(*config); !valid) return std::move(valid).error().in(file.path());
  return config;
}

}  // namespace adder
