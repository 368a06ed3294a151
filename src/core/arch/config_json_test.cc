#include "core/arch/config_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/arch/presets.h"
#include "core/formats/json.h"

namespace adder {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// The 9B's config.json as published, without the fields no reader needs.
json published_9b() {
  return parse_json(R"({
    "architectures": ["NemotronHForCausalLM"],
    "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 1, "chunk_size": 128, "conv_kernel": 4,
    "eos_token_id": 12, "expand": 2, "head_dim": 128, "hidden_dropout": 0.0, "hidden_size": 4480,
    "hybrid_override_pattern": "M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-",
    "initializer_range": 0.02, "intermediate_size": 15680, "layer_norm_epsilon": 1e-05, "mamba_head_dim": 80,
    "mamba_hidden_act": "silu", "mamba_num_heads": 128, "mamba_proj_bias": false, "max_position_embeddings": 131072,
    "mlp_bias": false, "mlp_hidden_act": "relu2", "model_type": "nemotron_h", "n_groups": 8,
    "num_attention_heads": 40, "num_hidden_layers": 56, "num_key_value_heads": 8, "num_logits_to_keep": 1,
    "pad_token_id": 0, "rescale_prenorm_residual": true, "residual_in_fp32": false, "rms_norm_eps": 1e-05,
    "sliding_window": null, "ssm_state_size": 128, "tie_word_embeddings": false, "time_step_floor": 0.0001,
    "time_step_limit": [0.0, Infinity], "time_step_max": 0.1, "time_step_min": 0.001, "torch_dtype": "bfloat16",
    "use_bias": false, "use_cache": true, "use_conv_bias": true, "use_mamba_kernels": true, "vocab_size": 131072})",
                    "config.json", JsonNumbers::kPython)
      .value();
}

std::string refusal(const json& object) {
  const auto config = config_from_json(object);
  EXPECT_FALSE(config);
  return config ? "" : config.error().message();
}

json with(const char* field, json value) {
  json object = config_json(tiny()).value();
  object[field] = std::move(value);
  return object;
}

TEST(ConfigJson, ReadsThePublishedFile) {
  const auto config = config_from_json(published_9b());
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(nano_9b(), *config);
}

TEST(ConfigJson, RoundTrips) {
  for (const std::string_view name : preset_names()) {
    const ModelConfig config = find_preset(name).value();
    const auto read = config_from_json(config_json(config).value());
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(config, *read);
  }
}

TEST(ConfigJson, ReadsListsOfBlockTypesInOldAndNewWords) {
  for (const json& words : {json{"mamba", "mlp", "mamba", "attention", "mlp", "mamba", "mamba", "mlp"},
                            json{"linear_attention", "mlp", "linear_attention", "full_attention", "mlp",
                                 "linear_attention", "linear_attention", "mlp"}}) {
    json object = config_json(tiny()).value();
    object.erase("hybrid_override_pattern");
    object.erase("num_hidden_layers");
    object["layers_block_type"] = words;
    const auto config = config_from_json(object);
    ASSERT_TRUE(config) << config.error().message();
    EXPECT_EQ(tiny(), *config);
  }
}

TEST(ConfigJson, ReadsAlternateSpellings) {
  json object = config_json(tiny()).value();
  for (const auto& [name, other] :
       std::initializer_list<std::pair<const char*, const char*>>{{"n_groups", "mamba_n_groups"},
                                                                  {"conv_kernel", "mamba_d_conv"},
                                                                  {"use_conv_bias", "mamba_conv_bias"},
                                                                  {"head_dim", "attention_head_dim"},
                                                                  {"layer_norm_epsilon", "norm_eps"}}) {
    object[other] = object.at(name);
    object.erase(name);
  }
  object["layer_types"] = {"mamba", "mlp", "mamba", "attention", "mlp", "mamba", "mamba", "mlp"};
  object["mamba_dt_limit"] = json{0.0, {{"__float__", "Infinity"}}};
  const auto config = config_from_json(object);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(tiny(), *config);
}

TEST(ConfigJson, ALimitThatNoTimeStepReachesIsNone) {
  for (const json& limit : {json{0.0, 1e20}, json{0, "Infinity"}, json{0.0, nullptr}})
    EXPECT_TRUE(config_from_json(with("time_step_limit", limit))) << limit;
}

TEST(ConfigJson, SpellingsThatDisagreeAreAnError) {
  EXPECT_THAT(refusal(with("mamba_n_groups", 2)), HasSubstr("mamba_n_groups is 2, but n_groups is 4"));
  EXPECT_THAT(refusal(with("layers_block_type", json{"mamba", "mlp"})), HasSubstr("disagree"));
}

TEST(ConfigJson, KeyValueHeadsDefaultToAllHeads) {
  const auto config = config_from_json(with("num_key_value_heads", nullptr));
  ASSERT_TRUE(config);
  EXPECT_EQ(8, config->layers[3].num_key_value_heads);
}

TEST(ConfigJson, MissingAndWrongTypedFieldsAreAllListed) {
  json object = config_json(tiny()).value();
  object.erase("hidden_size");
  object.erase("ssm_state_size");
  object["vocab_size"] = "many";
  object["head_dim"] = 32.5;
  object["n_groups"] = 18446744073709551615u;
  object["tie_word_embeddings"] = 1;
  object["layer_norm_epsilon"] = json::array();
  const std::string text = refusal(object);
  EXPECT_THAT(text, HasSubstr("hidden_size is missing"));
  EXPECT_THAT(text, HasSubstr("ssm_state_size is missing"));
  EXPECT_THAT(text, HasSubstr("vocab_size is \"many\", must be an integer"));
  EXPECT_THAT(text, HasSubstr("head_dim is 32.5, must be an integer"));
  EXPECT_THAT(text, HasSubstr("n_groups is 18446744073709551615, must be an integer"));
  EXPECT_THAT(text, HasSubstr("tie_word_embeddings is 1, must be true or false"));
  EXPECT_THAT(text, HasSubstr("layer_norm_epsilon is [], must be a number"));
}

TEST(ConfigJson, PatternMustFitTheLayerCount) {
  EXPECT_THAT(refusal(with("num_hidden_layers", 9)), HasSubstr("num_hidden_layers is 9, but the layer pattern has 8"));
  EXPECT_THAT(refusal(with("hybrid_override_pattern", "M-?*")), HasSubstr("'?' at character 2"));
  EXPECT_THAT(refusal(with("hybrid_override_pattern", 12)), HasSubstr("must be a text"));
  json object = config_json(tiny()).value();
  object.erase("hybrid_override_pattern");
  EXPECT_THAT(refusal(object), HasSubstr("hybrid_override_pattern (or layers_block_type) is missing"));
  object["layers_block_type"] = json{"mamba", "conv", 3};
  EXPECT_THAT(refusal(object), AllOf(HasSubstr("layer 1 is \"conv\""), HasSubstr("layer 2 is 3")));
}

TEST(ConfigJson, ForeignArchitecturesAreRefusedByName) {
  EXPECT_THAT(refusal(with("model_type", "llama")), AllOf(HasSubstr("\"llama\""), HasSubstr("supported: nemotron_h")));
  EXPECT_THAT(refusal(with("model_type", nullptr)), HasSubstr("supported: nemotron_h"));
  EXPECT_THAT(refusal(json::array()), HasSubstr("no JSON object"));
  const auto moe = config_from_json(with("hybrid_override_pattern", "MEM*"));
  ASSERT_FALSE(moe);
  EXPECT_EQ(ErrorCode::kUnsupported, moe.error().code());
  EXPECT_THAT(moe.error().message(), HasSubstr("mixture of experts"));
  json words = config_json(tiny()).value();
  words.erase("hybrid_override_pattern");
  words["layers_block_type"] = json{"mamba", "moe"};
  EXPECT_THAT(refusal(words), HasSubstr("mixture of experts"));
}

TEST(ConfigJson, WhatIsNotImplementedIsRefused) {
  EXPECT_THAT(refusal(with("attention_bias", true)), HasSubstr("attention_bias is true"));
  EXPECT_THAT(refusal(with("mlp_bias", true)), HasSubstr("mlp_bias"));
  EXPECT_THAT(refusal(with("use_bias", true)), HasSubstr("use_bias"));
  EXPECT_THAT(refusal(with("mamba_proj_bias", true)), HasSubstr("mamba_proj_bias"));
  EXPECT_THAT(refusal(with("use_conv_bias", false)), HasSubstr("use_conv_bias"));
  EXPECT_THAT(refusal(with("mlp_hidden_act", "silu")), HasSubstr("mlp_hidden_act"));
  EXPECT_THAT(refusal(with("mamba_hidden_act", "gelu")), HasSubstr("mamba_hidden_act"));
  EXPECT_THAT(refusal(with("sliding_window", 4096)), HasSubstr("sliding_window"));
  EXPECT_THAT(refusal(with("time_step_limit", json{0.001, 0.1})), HasSubstr("time_step_limit"));
}

TEST(ConfigJson, NumbersThatAreNoneAreRefusedByName) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(refusal(with("time_step_limit", json{0.0, nan})), HasSubstr("time_step_limit is [0.0,nan], adder"));
  EXPECT_THAT(refusal(with("time_step_limit", json{0.0, -inf})), HasSubstr("time_step_limit is [0.0,-inf], adder"));
  EXPECT_THAT(refusal(with("hidden_size", inf)), HasSubstr("hidden_size is inf, must be an integer"));
}

TEST(ConfigJson, WidthsThatDifferBetweenLayersHaveNoConfigJson) {
  ModelConfig config = tiny();
  config.layers[1].intermediate_size = 256;
  const auto object = config_json(config);
  ASSERT_FALSE(object);
  EXPECT_EQ(ErrorCode::kUnsupported, object.error().code());
  EXPECT_THAT(object.error().message(), HasSubstr("intermediate_size"));
}

}  // namespace
}  // namespace adder
