#include "core/arch/config_json.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <optional>

#include "core/arch/problems.h"

namespace adder {
namespace {

using nlohmann::json;
using Spellings = std::initializer_list<const char*>;

std::string shown(const json& value) {
  if (value.is_number_float()) return fmt::format("{:#}", value.get<double>());  // dump writes null for inf and nan
  if (value.is_array() && value.size() == 2) return fmt::format("[{},{}]", shown(value[0]), shown(value[1]));
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

/// Field access that notes errors and goes on. A field that is null counts as absent.
class Fields {
 public:
  Fields(const json& object, Problems& problems) : object_(object), problems_(problems) {}

  /// The field under any of its names.
  const json* find(Spellings names) {
    const json* found = nullptr;
    for (const char* name : names) {
      const auto field = object_.find(name);
      if (field == object_.end() || field->is_null()) continue;
      if (found && *found != *field)
        problems_.add("{} is {}, but {} is {}", name, shown(*field), *names.begin(), shown(*found));
      if (!found) found = &*field;
    }
    return found;
  }

  std::optional<int64_t> optional_integer(Spellings names) {
    const json* field = find(names);
    if (!field) return std::nullopt;
    if (field->is_number_unsigned() && field->get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()})
      return static_cast<int64_t>(field->get<uint64_t>());
    if (field->is_number_integer() && !field->is_number_unsigned()) return field->get<int64_t>();
    problems_.add("{} is {}, must be an integer", *names.begin(), shown(*field));
    return std::nullopt;
  }

  /// Required if `used`, read anyhow.
  int64_t integer(Spellings names, bool used) {
    const auto value = optional_integer(names);
    if (!value && used && !find(names)) problems_.add("{} is missing", *names.begin());
    return value.value_or(0);
  }

  double number(Spellings names, double otherwise) {
    const json* field = find(names);
    if (!field) return otherwise;
    if (field->is_number()) return field->get<double>();
    problems_.add("{} is {}, must be a number", *names.begin(), shown(*field));
    return otherwise;
  }

  bool boolean(Spellings names, bool otherwise) {
    const json* field = find(names);
    if (!field) return otherwise;
    if (field->is_boolean()) return field->get<bool>();
    problems_.add("{} is {}, must be true or false", *names.begin(), shown(*field));
    return otherwise;
  }

  /// A switch that adder has in one position only.
  void only(Spellings names, const json& value) {
    if (const json* field = find(names); field && *field != value)
      problems_.add("{} is {}, adder implements {} only", *names.begin(), shown(*field), shown(value));
  }

 private:
  const json& object_;
  Problems& problems_;
};

/// "linear_attention" -> 'M'; the letters of a pattern, so that both dialects meet in parse_pattern.
std::optional<char> letter_of(const json& word) {
  if (word == "mamba" || word == "linear_attention") return 'M';
  if (word == "attention" || word == "full_attention") return '*';
  if (word == "mlp") return '-';
  if (word == "moe") return 'E';
  return std::nullopt;
}

std::optional<std::string> pattern_of_words(const json& words, Problems& problems) {
  if (!words.is_array()) {
    problems.add("layers_block_type is {}, must be a list of words", shown(words));
    return std::nullopt;
  }
  std::string pattern;
  for (size_t i = 0; i < words.size(); ++i) {
    const auto letter = letter_of(words[i]);
    if (!letter)
      problems.add(
          "layers_block_type of layer {} is {}; words are mamba or linear_attention, attention or full_attention, mlp",
          i, shown(words[i]));
    pattern.push_back(letter.value_or('?'));
  }
  if (pattern.find('?') != std::string::npos) return std::nullopt;
  return pattern;
}

std::optional<std::string> read_pattern(Fields& fields, Problems& problems) {
  std::optional<std::string> letters, words;
  const json* pattern = fields.find({"hybrid_override_pattern"});
  const json* list = fields.find({"layers_block_type", "layer_types"});
  if (!pattern && !list) problems.add("hybrid_override_pattern (or layers_block_type) is missing");
  if (pattern && pattern->is_string())
    letters = pattern->get<std::string>();
  else if (pattern)
    problems.add("hybrid_override_pattern is {}, must be a text", shown(*pattern));
  if (letters) std::erase(*letters, '|');
  if (list) words = pattern_of_words(*list, problems);
  if (letters && words && *letters != *words)
    problems.add("hybrid_override_pattern {} and layers_block_type ({}) disagree", *letters, *words);
  return letters ? letters : words;
}

/// A limit that no time step reaches: softplus of anything a projection gives stays far below a million. Infinity
/// itself has no JSON number and is spelled as a text, as {"__float__": "Infinity"} or as a large number.
bool is_infinity(const json& value) {
  if (value.is_number()) return value.get<double>() >= 1e6;
  if (value.is_string()) return value == "inf" || value == "Infinity";
  return value.is_null() || (value.is_object() && value.contains("__float__") && is_infinity(value["__float__"]));
}

void refuse_what_is_not_implemented(Fields& fields, Problems& problems) {
  fields.only({"attention_bias"}, false);
  fields.only({"mlp_bias"}, false);
  fields.only({"use_bias"}, false);
  fields.only({"mamba_proj_bias"}, false);
  fields.only({"use_conv_bias", "mamba_conv_bias"}, true);
  fields.only({"mlp_hidden_act"}, "relu2");
  fields.only({"mamba_hidden_act"}, "silu");
  if (const json* window = fields.find({"sliding_window"}))
    problems.add("sliding_window is {}, adder implements full attention only", shown(*window));
  if (const json* limit = fields.find({"time_step_limit", "mamba_dt_limit"}))
    if (!limit->is_array() || limit->size() != 2 || (*limit)[0] != 0 || !is_infinity((*limit)[1]))
      problems.add("time_step_limit is {}, adder implements [0, inf] only", shown(*limit));
}

Status check_model_type(const json& config) {
  if (!config.is_object()) return Error::corrupt("config.json is no JSON object");
  const auto type = config.find("model_type");
  if (type == config.end() || !type->is_string())
    return Error::corrupt("config.json has no model_type; supported: {}", kSupportedArchitectures);
  if (*type == "nemotron_h") return {};
  return Error::unsupported("model_type {} is not supported; supported: {}", shown(*type), kSupportedArchitectures);
}

/// The width all layers of one kind have, 0 if there are none, nothing if they differ.
std::optional<int64_t> common_width(const ModelConfig& config, LayerKind kind, int64_t LayerConfig::*width) {
  std::optional<int64_t> common;
  for (const LayerConfig& layer : config.layers) {
    if (layer.kind != kind) continue;
    if (common && *common != layer.*width) return std::nullopt;
    common = layer.*width;
  }
  return common.value_or(0);
}

}  // namespace

Result<ModelConfig> config_from_json(const json& object) {
  TRY(check_model_type(object));
  Problems problems;
  Fields fields(object, problems);
  ModelConfig config;
  const std::string pattern = read_pattern(fields, problems).value_or("");
  const bool attention = pattern.find('*') != std::string::npos;
  const bool mamba = pattern.find('M') != std::string::npos;
  const bool mlp = pattern.find('-') != std::string::npos;

  config.vocab_size = fields.integer({"vocab_size"}, true);
  config.hidden_size = fields.integer({"hidden_size"}, true);
  config.num_attention_heads = fields.integer({"num_attention_heads"}, attention);
  config.head_dim = fields.integer({"head_dim", "attention_head_dim"}, attention);
  config.mamba_num_heads = fields.integer({"mamba_num_heads"}, mamba);
  config.mamba_head_dim = fields.integer({"mamba_head_dim"}, mamba);
  config.ssm_state_size = fields.integer({"ssm_state_size"}, mamba);
  config.n_groups = fields.integer({"n_groups", "mamba_n_groups"}, mamba);
  config.conv_kernel = fields.integer({"conv_kernel", "mamba_d_conv"}, mamba);
  config.norm_eps = static_cast<float>(fields.number({"layer_norm_epsilon", "norm_eps"}, config.norm_eps));
  config.tie_word_embeddings = fields.boolean({"tie_word_embeddings"}, false);
  config.max_position_embeddings = fields.integer({"max_position_embeddings"}, false);
  const int64_t intermediate_size = fields.integer({"intermediate_size"}, mlp);
  const int64_t kv_heads = fields.optional_integer({"num_key_value_heads"}).value_or(config.num_attention_heads);
  refuse_what_is_not_implemented(fields, problems);

  if (auto layers = parse_pattern(pattern, intermediate_size, kv_heads))
    config.layers = std::move(layers).value();
  else if (layers.error().code() == ErrorCode::kUnsupported)
    return std::move(layers).error();  // another architecture: what its other fields say is beside the point
  else
    problems.add("{}", layers.error().message());
  const auto n_layers = fields.optional_integer({"num_hidden_layers"});
  if (n_layers && !config.layers.empty() && *n_layers != config.n_layers())
    problems.add("num_hidden_layers is {}, but the layer pattern has {}", *n_layers, config.n_layers());
  TRY(problems.status(ErrorCode::kCorrupt, "config.json"));
  return config;
}

Result<json> config_json(const ModelConfig& c) {
  const auto intermediate_size = common_width(c, LayerKind::kMlp, &LayerConfig::intermediate_size);
  const auto kv_heads = common_width(c, LayerKind::kAttention, &LayerConfig::num_key_value_heads);
  if (!intermediate_size || !kv_heads)
    return Error::unsupported("config.json has one {} for all layers, but this model's differ; GGUF can hold it",
                              intermediate_size ? "num_key_value_heads" : "intermediate_size");
  return json{
      {"architectures", {"NemotronHForCausalLM"}},
      {"model_type", "nemotron_h"},
      {"hybrid_override_pattern", c.pattern()},
      {"num_hidden_layers", c.n_layers()},
      {"vocab_size", c.vocab_size},
      {"hidden_size", c.hidden_size},
      {"intermediate_size", *intermediate_size},
      {"mlp_hidden_act", "relu2"},
      {"mlp_bias", false},
      {"num_attention_heads", c.num_attention_heads},
      {"num_key_value_heads", *kv_heads},
      {"head_dim", c.head_dim},
      {"attention_bias", false},
      {"mamba_num_heads", c.mamba_num_heads},
      {"mamba_head_dim", c.mamba_head_dim},
      {"ssm_state_size", c.ssm_state_size},
      {"n_groups", c.n_groups},
      {"conv_kernel", c.conv_kernel},
      {"mamba_hidden_act", "silu"},
      {"use_conv_bias", true},
      {"use_bias", false},
      {"mamba_proj_bias", false},
      {"layer_norm_epsilon", c.printed_norm_eps()},
      {"residual_in_fp32", false},
      {"tie_word_embeddings", c.tie_word_embeddings},
      {"max_position_embeddings", c.max_position_embeddings},
  };
}

}  // namespace adder
