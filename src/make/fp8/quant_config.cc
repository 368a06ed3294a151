#include "make/fp8/quant_config.h"

#include <algorithm>
#include <set>

#include "core/arch/fp8.h"

namespace adder {
namespace {

using nlohmann::json;

std::string pattern_of(const std::string& module, const std::vector<std::string>& quantized) {
  const auto is_shared = [&](std::string_view prefix) {
    return std::ranges::any_of(quantized, [&](const std::string& other) { return other.starts_with(prefix); });
  };
  for (size_t dot = module.find('.'); dot != module.npos; dot = module.find('.', dot + 1)) {
    const std::string prefix = module.substr(0, dot);
    if (!is_shared(prefix)) return prefix + '*';
    if (!is_shared(prefix + '.') && std::ranges::count(quantized, prefix) == 0) return prefix + ".*";
  }
  return module;
}

}  // namespace

std::vector<std::string> excluded_modules(const std::vector<std::string>& kept,
                                          const std::vector<std::string>& quantized) {
  std::set<std::string> patterns;
  for (const std::string& module : kept) patterns.insert(pattern_of(module, quantized));
  return {patterns.begin(), patterns.end()};
}

Fp8Words fp8_words(const ModelConfig& config, const std::vector<bool>& chosen, bool cache) {
  std::vector<std::string> kept, quantized;
  const std::vector<TensorSpec> specs = tensor_specs(config);
  for (size_t i = 0; i < specs.size(); ++i) {
    const bool is_linear = specs[i].is_matrix && specs[i].role != Role::kEmbedding;
    if (is_linear || specs[i].role == Role::kConvWeight)
      (chosen[i] ? quantized : kept).push_back(module_name(specs[i]));
  }
  if (config.tie_word_embeddings) kept.emplace_back("lm_head");  // a module, if not a tensor
  const std::vector<std::string> excluded = excluded_modules(kept, quantized);

  const json producer = {{"name", "modelopt"}, {"version", "0.47.0"}};
  const json numbers = {{"dynamic", false}, {"num_bits", 8}, {"type", "float"}};
  Fp8Words words;
  words.quant_config = {{"producer", producer},
                        {"quantization",
                         {{"quant_algo", "FP8"},
                          {"kv_cache_quant_algo", cache ? json("FP8") : json(nullptr)},
                          {"exclude_modules", excluded}}}};
  words.quantization_config = {
      {"config_groups",
       {{"group_0", {{"input_activations", numbers}, {"weights", numbers}, {"targets", json::array({"Linear"})}}}}},
      {"ignore", excluded},
      {"quant_algo", "FP8"},
      {"producer", producer},
      {"quant_method", "modelopt"}};
  if (cache) words.quantization_config["kv_cache_scheme"] = numbers;
  return words;
}

}  // namespace adder
