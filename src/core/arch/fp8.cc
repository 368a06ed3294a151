#include "core/arch/fp8.h"

#include "core/formats/json.h"
#include "core/formats/names.h"

namespace adder {
namespace {

using nlohmann::json;

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', true, json::error_handler_t::replace);
}

/// Null: only keys and values are in FP8, if anything.
Result<bool> is_fp8_algorithm(const json& algorithm, std::string_view where) {
  if (algorithm.is_null()) return false;
  if (algorithm == "FP8") return true;
  return Error::unsupported("{}: quant_algo {} is not supported; of quantised directories adder reads FP8", where,
                            quote(text_of(algorithm)));
}

}  // namespace

std::string_view cache_scale(Role role) {
  return role == Role::kK ? "k_scale" : role == Role::kV ? "v_scale" : "";
}

std::string module_name(const TensorSpec& spec) {
  constexpr std::string_view kWeight = ".weight";
  CHECK(spec.hf_name.ends_with(kWeight), "{}", spec.hf_name);
  return spec.hf_name.substr(0, spec.hf_name.size() - kWeight.size());
}

std::string scale_name(const TensorSpec& spec, std::string_view suffix) {
  return fmt::format("{}.{}", module_name(spec), suffix);
}

Result<bool> says_fp8(const HfDirectory& directory) {
  const std::string config_path = (directory.path() / "config.json").string();
  if (const json& config = json_member(directory.config(), kQuantizationKey); !config.is_null()) {
    const json& method = json_member(config, "quant_method");
    if (method != "modelopt")
      return Error::unsupported("{}: quant_method {} is not supported; of quantised directories adder reads modelopt's",
                                config_path, quote(text_of(method)));
    return is_fp8_algorithm(json_member(config, "quant_algo"), config_path);
  }
  if (!directory.quant_config()) return false;
  return is_fp8_algorithm(json_member(json_member(*directory.quant_config(), "quantization"), "quant_algo"),
                          (directory.path() / "hf_quant_config.json").string());
}

}  // namespace adder
