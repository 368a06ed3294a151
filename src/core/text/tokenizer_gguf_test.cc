#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "core/formats/gguf_type.h"
#include "core/formats/gguf_writer.h"
#include "core/text/tiny_vocabulary_test.h"
#include "core/text/tokenizer_io.h"

namespace adder {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Spoil = std::function<void(GgufWriter&)>;

GgufEntry integers(const char* key, std::vector<int64_t> values) {
  return {key, static_cast<uint32_t>(GgufType::kI32), true, std::move(values)};
}

/// Through a real file: the tokenizer's entries, then what `spoil` replaces.
Result<TokenizerData> through_file(const TokenizerData& data, const Spoil& spoil = {}) {
  const auto path = std::filesystem::path(testing::TempDir()) / "tokenizer_gguf_test.gguf";
  GgufWriter writer;
  writer.set("general.architecture", "nemotron_h");
  TRY_ASSIGN(std::vector<GgufEntry> entries, gguf_entries(data));
  for (GgufEntry& entry : entries) writer.set(std::move(entry));
  if (spoil) spoil(writer);
  TRY(writer.begin(path));
  TRY(writer.finish());
  TRY_ASSIGN(const Gguf file, Gguf::open(path));
  return tokenizer_from_gguf(file);
}

TEST(TokenizerGguf, ReadsWhatItWrites) {
  TokenizerData data = tiny_vocabulary();
  data.add_bos = true;
  data.pad = 3;
  data.unk = 7;
  data.stop_ids = {kEos, 9};
  const auto read = through_file(data);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->tokens, data.tokens);
  EXPECT_EQ(read->types, data.types);
  EXPECT_EQ(read->merges, data.merges);
  EXPECT_EQ(read->pre, "gpt-2");
  EXPECT_EQ(read->add_bos, true);
  EXPECT_EQ(read->ignore_merges, false);
  EXPECT_THAT((std::vector{read->bos, read->eos, read->pad, read->unk}), ElementsAre(kBos, kEos, 3, 7));
  EXPECT_THAT(read->stop_ids, ElementsAre(kEos, 9));
}

TEST(TokenizerGguf, TheRuleDecidesWhatTheFileLeavesOut) {
  TokenizerData data = tiny_vocabulary();
  data.pre = "pixtral";
  data.bos = -1;
  EXPECT_FALSE(through_file(data)->add_bos);
  const auto without = [](const char* left_out) {
    const auto path = std::filesystem::path(testing::TempDir()) / "tokenizer_gguf_test.gguf";
    TokenizerData pixtral = tiny_vocabulary();
    pixtral.pre = "pixtral";
    GgufWriter writer;
    std::vector<GgufEntry> entries = gguf_entries(pixtral).value();
    for (GgufEntry& entry : entries)
      if (entry.key != left_out) writer.set(std::move(entry));
    EXPECT_TRUE(writer.begin(path));
    EXPECT_TRUE(writer.finish());
    return tokenizer_from_gguf(*Gguf::open(path));
  };
  const auto read = without("tokenizer.ggml.add_bos_token");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_TRUE(read->add_bos);
  EXPECT_TRUE(read->ignore_merges);
  EXPECT_EQ(without("tokenizer.ggml.token_type")->types, std::vector(264, TokenType::kNormal));
  for (const char* needed :
       {"tokenizer.ggml.model", "tokenizer.ggml.pre", "tokenizer.ggml.tokens", "tokenizer.ggml.merges"}) {
    const auto missing = without(needed);
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message(), HasSubstr(needed));
  }
}

TEST(TokenizerGguf, StopsOnWhateverEndsASequenceOrATurn) {
  TokenizerData data = tiny_vocabulary();
  data.stop_ids.clear();
  data.eos = 5;
  const auto read = through_file(data, [](GgufWriter& writer) {
    writer.set_u32("tokenizer.ggml.eot_token_id", 6);
    writer.set(integers("tokenizer.ggml.eos_token_ids", {5, 8}));
  });
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_THAT(read->stop_ids, ElementsAre(5, 6, 8, kEos)) << "the last by its name";
}

TEST(TokenizerGguf, RefusesByName) {
  const std::pair<Spoil, const char*> cases[] = {
      {[](GgufWriter& w) { w.set("tokenizer.ggml.model", "llama"); }, "'llama'"},
      {[](GgufWriter& w) { w.set("tokenizer.ggml.pre", "klingon"); }, "'klingon'"},
      {[](GgufWriter& w) { w.set_u32("tokenizer.ggml.model", 1); }, "tokenizer.ggml.model"},
      {[](GgufWriter& w) { w.set("tokenizer.ggml.tokens", "x"); }, "tokenizer.ggml.tokens"},
      {[](GgufWriter& w) { w.set_texts("tokenizer.ggml.token_type", {"x"}); }, "tokenizer.ggml.token_type"},
      {[](GgufWriter& w) {
         w.set(integers("tokenizer.ggml.token_type", {1, 7}));
       },
       "token 1 has type 7"},
      {[](GgufWriter& w) { w.set_u32("tokenizer.ggml.bos_token_id", 1u << 31); }, "2147483648 is not a token id"},
      {[](GgufWriter& w) { w.set("tokenizer.ggml.bos_token_id", true); }, "tokenizer.ggml.bos_token_id"},
      {[](GgufWriter& w) { w.set(integers("tokenizer.ggml.eos_token_ids", {-1})); }, "-1 is not a token id"},
      {[](GgufWriter& w) { w.set("tokenizer.ggml.add_bos_token", "yes"); }, "tokenizer.ggml.add_bos_token"},
  };
  for (const auto& [spoil, message] : cases) {
    const auto refused = through_file(tiny_vocabulary(), spoil);
    ASSERT_FALSE(refused) << message;
    EXPECT_THAT(refused.error().message(), HasSubstr(message));
  }
}

TEST(TokenizerGguf, BrokenTextsInAFileAreNamed) {
  const auto tokens_with = [](std::string token) {
    std::vector<std::string> tokens = tiny_vocabulary().tokens;
    tokens[kHello] = std::move(token);
    return tokens;
  };
  const std::pair<Spoil, const char*> cases[] = {
      {[](GgufWriter& w) {
         w.set_texts("tokenizer.ggml.merges", {"h e", "hello"});
       },
       "merge 1 is 'hello'"},
      {[](GgufWriter& w) { w.set_texts("tokenizer.ggml.merges", {"h \xff"}); }, "merge 0 'h \\xff'"},
      {[](GgufWriter& w) { w.set_texts("tokenizer.ggml.merges", {"h x"}); }, "'hx' is not a token"},
      {[&](GgufWriter& w) { w.set_texts("tokenizer.ggml.tokens", tokens_with("\xc3(")); }, "token 259 '\\xc3(' is not"},
  };
  for (const auto& [spoil, message] : cases) {
    auto data = through_file(tiny_vocabulary(), spoil);
    ASSERT_TRUE(data) << data.error().message();
    const auto refused = Tokenizer::from_data(std::move(*data));
    ASSERT_FALSE(refused) << message;
    EXPECT_EQ(refused.error().code(), ErrorCode::kCorrupt);
    EXPECT_THAT(refused.error().message(), HasSubstr(message));
  }
}

TEST(TokenizerGguf, WritesOnlyRulesThatHaveAName) {
  TokenizerData data = tiny_vocabulary();
  data.pre.clear();
  data.split = {{"a+"}};
  EXPECT_FALSE(gguf_entries(data));
  data.pre = "gpt-2";
  EXPECT_FALSE(gguf_entries(data)) << "the name of another rule";
}

}  // namespace
}  // namespace adder
