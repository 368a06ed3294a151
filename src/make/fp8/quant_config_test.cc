#include "make/fp8/quant_config.h"

#include <gmock/gmock.h>

#include "core/arch/presets.h"
#include "make/fp8/policy.h"

namespace adder {
namespace {

using ::testing::ElementsAre;

TEST(QuantConfig, APatternIsAsShortAsNoQuantisedModuleAllows) {
  const std::vector<std::string> quantized = {"m.layers.0.mixer.in", "m.layers.10.mixer.in", "m.layers.10.mixer.out"};
  EXPECT_THAT(
      excluded_modules({"m.layers.0.mixer.conv", "m.layers.2.mixer.q", "m.layers.2.mixer.k", "head"}, quantized),
      ElementsAre("head", "m.layers.0.mixer.conv", "m.layers.2*"));
  // Layer 1 shares its letters with layer 10, but not the dot.
  EXPECT_THAT(excluded_modules({"m.layers.1.mixer.q", "m.layers.1.mixer.k"}, quantized), ElementsAre("m.layers.1.*"));
  EXPECT_THAT(excluded_modules({"a.b.c", "d.e"}, quantized), ElementsAre("a*", "d*"));
}

TEST(QuantConfig, SaysWhatTheDirectoryHolds) {
  const ModelConfig config = tiny();  // M-M*-MM-
  const Fp8Words words = fp8_words(config, fp8_tensors(Fp8Policy::kSelective, config), true);
  const auto patterns = nlohmann::json::parse(R"([
      "backbone.layers.0.mixer.conv1d", "backbone.layers.2*", "backbone.layers.3*", "backbone.layers.5.mixer.conv1d",
      "backbone.layers.6.mixer.conv1d", "lm_head"])");
  EXPECT_EQ(words.quant_config["quantization"],
            (nlohmann::json{{"quant_algo", "FP8"}, {"kv_cache_quant_algo", "FP8"}, {"exclude_modules", patterns}}));
  EXPECT_EQ(words.quant_config["producer"]["name"], "modelopt");
  const auto& config_json = words.quantization_config;
  EXPECT_EQ(config_json["quant_method"], "modelopt");
  EXPECT_EQ(config_json["quant_algo"], "FP8");
  EXPECT_EQ(config_json["ignore"], patterns);
  EXPECT_EQ(config_json["kv_cache_scheme"],
            nlohmann::json::parse(R"({"dynamic": false, "num_bits": 8, "type": "float"})"));
  EXPECT_EQ(config_json["config_groups"], nlohmann::json::parse(R"({"group_0": {
      "input_activations": {"dynamic": false, "num_bits": 8, "type": "float"},
      "weights": {"dynamic": false, "num_bits": 8, "type": "float"}, "targets": ["Linear"]}})"));
  const Fp8Words without = fp8_words(config, fp8_tensors(Fp8Policy::kAll, config), false);
  EXPECT_TRUE(without.quant_config["quantization"]["kv_cache_quant_algo"].is_null());
  EXPECT_FALSE(without.quantization_config.contains("kv_cache_scheme"));
  EXPECT_FALSE(std::ranges::count(without.quantization_config["ignore"], "lm_head"));
}

}  // namespace
}  // namespace adder
