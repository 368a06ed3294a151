#include "core/arch/config_gguf.h"

#include <gmock/gmock.h>

#include "core/arch/model_files_for_test.h"
#include "core/arch/presets.h"

namespace adder {
namespace {

using test::Draft;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal(const Draft& draft) {
  const TempDir dir;
  const auto config = read_config(*test::write_gguf(dir, draft));
  EXPECT_FALSE(config);
  return config ? "" : config.error().message();
}

Result<ModelConfig> read(const Draft& draft) {
  const TempDir dir;
  return read_config(*test::write_gguf(dir, draft));
}

TEST(ConfigGguf, RoundTrips) {
  ModelConfig varied = tiny();
  varied.layers[1].intermediate_size = 256;
  varied.tie_word_embeddings = true;
  for (const ModelConfig& config : {tiny(), varied}) {
    const auto read_back = read(test::gguf_draft(config));
    ASSERT_TRUE(read_back) << read_back.error().message();
    EXPECT_EQ(config, *read_back);
  }
}

/// Keys and values of the official 4B file.
TEST(ConfigGguf, WritesTheOfficialMetadata) {
  const auto metadata = gguf_metadata(nano_4b());
  const auto find = [&](std::string_view key) -> const GgufEntry& {
    const auto found = std::ranges::find(metadata, key, &GgufEntry::key);
    EXPECT_NE(found, metadata.end()) << key;
    return *found;
  };
  constexpr uint32_t kU32 = 4, kI32 = 5;
  for (const auto& [key, value] :
       std::initializer_list<std::pair<const char*, uint64_t>>{{"block_count", 42},
                                                               {"embedding_length", 3136},
                                                               {"attention.head_count", 40},
                                                               {"attention.key_length", 128},
                                                               {"attention.value_length", 128},
                                                               {"rope.dimension_count", 78},
                                                               {"vocab_size", 131072},
                                                               {"ssm.conv_kernel", 4},
                                                               {"ssm.state_size", 128},
                                                               {"ssm.group_count", 8},
                                                               {"ssm.inner_size", 7680},
                                                               {"ssm.time_step_rank", 96}}) {
    const GgufEntry& entry = find(fmt::format("nemotron_h.{}", key));
    EXPECT_EQ(kU32, entry.type) << key;
    EXPECT_EQ(GgufValue(value), entry.value) << key;
  }
  const GgufEntry& ff = find("nemotron_h.feed_forward_length");
  EXPECT_EQ(kI32, ff.type);
  std::vector<int64_t> expected(42, 0);
  for (const size_t layer : {1, 3, 5, 8, 10, 13, 15, 18, 20, 22, 25, 27, 29, 33, 37, 39, 41}) expected[layer] = 12544;
  EXPECT_EQ(GgufValue(expected), ff.value);
  std::vector<int64_t> kv(42, 0);
  for (const size_t layer : {12, 17, 24, 32}) kv[layer] = 8;
  EXPECT_EQ(GgufValue(kv), find("nemotron_h.attention.head_count_kv").value);
}

TEST(ConfigGguf, HeadCountMayBeAnArray) {
  Draft draft = test::gguf_draft(tiny());
  draft.set(gguf_i32s("nemotron_h.attention.head_count", {0, 0, 0, 8, 0, 0, 0, 0}));
  const auto config = read(draft);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(tiny(), *config);
}

TEST(ConfigGguf, ScalarsCountForEveryLayer) {
  ModelConfig config = tiny();
  config.layers = parse_pattern("--", 512, 0).value();
  Draft draft = test::gguf_draft(config);
  draft.set(gguf_u32("nemotron_h.feed_forward_length", 512));
  draft.set(gguf_u32("nemotron_h.attention.head_count_kv", 2));  // an MLP layer's is meaningless
  const auto read_back = read(draft);
  ASSERT_TRUE(read_back) << read_back.error().message();
  EXPECT_EQ(config.layers, read_back->layers);
}

TEST(ConfigGguf, VocabularySizeFallsBackToTheEmbedding) {
  Draft draft = test::gguf_draft(tiny());
  draft.unset("nemotron_h.vocab_size");
  EXPECT_EQ(tiny(), read(draft).value());
}

TEST(ConfigGguf, ForeignArchitecturesAreRefusedByName) {
  for (const char* architecture : {"llama", "nemotron_h_moe", ""}) {
    Draft draft = test::gguf_draft(tiny());
    draft.set(gguf_text("general.architecture", architecture));
    const auto config = read(draft);
    ASSERT_FALSE(config);
    EXPECT_EQ(ErrorCode::kUnsupported, config.error().code());
    EXPECT_THAT(config.error().message(), AllOf(HasSubstr(fmt::format("'{}'", architecture)),
                                                HasSubstr("supported: nemotron_h"), HasSubstr("model.gguf")));
  }
  Draft draft = test::gguf_draft(tiny());
  draft.unset("general.architecture");
  EXPECT_THAT(refusal(draft), HasSubstr("general.architecture"));
}

TEST(ConfigGguf, MissingAndWrongTypedKeysAreAllListed) {
  Draft draft = test::gguf_draft(tiny());
  draft.unset("nemotron_h.embedding_length");
  draft.unset("nemotron_h.ssm.group_count");
  draft.unset("nemotron_h.attention.key_length");
  draft.set(gguf_text("nemotron_h.ssm.state_size", "32"));
  draft.set(gguf_bool("nemotron_h.attention.layer_norm_rms_epsilon", true));
  const std::string text = refusal(draft);
  for (const char* key :
       {"nemotron_h.embedding_length", "nemotron_h.ssm.group_count", "nemotron_h.attention.key_length",
        "nemotron_h.ssm.state_size", "nemotron_h.attention.layer_norm_rms_epsilon"})
    EXPECT_THAT(text, HasSubstr(key));
}

TEST(ConfigGguf, PerLayerArraysMustFitTheLayerCount) {
  Draft draft = test::gguf_draft(tiny());
  draft.set(gguf_i32s("nemotron_h.feed_forward_length", {0, 512, 0}));
  EXPECT_THAT(refusal(draft), HasSubstr("nemotron_h.feed_forward_length"));
  draft = test::gguf_draft(tiny());
  draft.set(gguf_u32("nemotron_h.block_count", 0xffffffff));
  EXPECT_THAT(refusal(draft), HasSubstr("nemotron_h.block_count is 4294967295"));
}

TEST(ConfigGguf, HeadCountsMustDivide) {
  Draft draft = test::gguf_draft(tiny());
  draft.set(gguf_u32("nemotron_h.ssm.time_step_rank", 15));  // of 256
  draft.set(gguf_i32s("nemotron_h.attention.head_count", {0, 0, 0, 8, 0, 0, 0, 0}));
  draft.set(gguf_u32("nemotron_h.attention.value_length", 16));
  EXPECT_THAT(refusal(draft), AllOf(HasSubstr("ssm.inner_size 256 is no multiple of the head count 15"),
                                    HasSubstr("value_length 16 differs from key_length 32")));
  draft = test::gguf_draft(tiny());
  draft.set(gguf_u32("nemotron_h.ssm.time_step_rank", 0));
  EXPECT_THAT(refusal(draft), HasSubstr("mamba_num_heads is 0"));
  draft = test::gguf_draft(tiny());
  draft.set(gguf_i32s("nemotron_h.attention.head_count_kv", {0, 0, 0, 3, 0, 0, 0, 0}));
  EXPECT_THAT(refusal(draft), HasSubstr("num_attention_heads 8 is no multiple of num_key_value_heads of layer 3: 3"));
  draft = test::gguf_draft(tiny());
  draft.set(gguf_i32s("nemotron_h.attention.head_count_kv", {0, 0, 0, -1, 0, 0, 0, 0}));
  EXPECT_THAT(refusal(draft), HasSubstr("num_key_value_heads of layer 3 is -1"));
}

}  // namespace
}  // namespace adder
