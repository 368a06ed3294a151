#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text/pretokenizer_rules.h"
#include "core/text/tiny_vocabulary_test.h"
#include "core/text/tokenizer_io.h"

namespace adder {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

/// The side files of one tokenizer as one object, so that a test can point at what it spoils.
json written(const TokenizerData& data) {
  return {{"tokenizer", to_tokenizer_json(data).value()},
          {"config", to_tokenizer_config_json(data)},
          {"generation", to_generation_config_json(data)},
          {"model", nullptr}};
}

Result<TokenizerData> read(const json& files) {
  return tokenizer_from_json(files["tokenizer"], files["config"], files["generation"], files["model"]);
}

/// Where and what, the latter as JSON text.
void set(json& files, const char* pointer, const char* value) {
  files[json::json_pointer(pointer)] = json::parse(value);
}

TEST(TokenizerJson, ReadsWhatItWrites) {
  TokenizerData data = tiny_vocabulary();
  data.add_bos = data.ignore_merges = true;
  data.pad = 3;
  data.stop_ids = {kEos, 9};
  const auto again = read(written(data));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->tokens, data.tokens);
  EXPECT_EQ(again->types, data.types);
  EXPECT_EQ(again->merges, data.merges);
  EXPECT_EQ(again->pre, "gpt-2");
  EXPECT_TRUE(again->add_bos);
  EXPECT_TRUE(again->ignore_merges);
  EXPECT_THAT((std::vector{again->bos, again->eos, again->pad, again->unk}), ElementsAre(kBos, kEos, 3, -1));
  EXPECT_THAT(again->stop_ids, ElementsAre(kEos, 9));
}

TEST(TokenizerJson, NamesEveryRuleItSpells) {
  for (const char* pre : {"gpt-2", "llama-bpe", "qwen2", "tekken", "deepseek-llm", "deepseek-coder", "falcon"}) {
    TokenizerData data = tiny_vocabulary();
    data.pre = pre;
    EXPECT_EQ(read(written(data))->pre, pre);
  }
  json files = written(tiny_vocabulary());
  set(files, "/tokenizer/pre_tokenizer/pretokenizers/0/pattern/Regex", R"("a+")");
  EXPECT_EQ(read(files)->pre, "");
}

TEST(TokenizerJson, UnderstandsThePreTokenizersInUse) {
  json files = written(tiny_vocabulary());
  set(files, "/tokenizer/pre_tokenizer", R"({"type": "ByteLevel", "add_prefix_space": false})");
  EXPECT_EQ(read(files)->split, std::vector{gpt2_split()}) << "use_regex is on unless said otherwise";

  set(files, "/tokenizer/pre_tokenizer", R"({"type": "Sequence", "pretokenizers": [
      {"type": "Split", "pattern": {"String": "a.b"}, "behavior": "Removed", "invert": true},
      {"type": "Digits", "individual_digits": true},
      {"type": "Digits"},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})");
  const auto data = read(files);
  ASSERT_TRUE(data) << data.error().message();
  const std::vector<SplitStep> expected = {{R"(a\.b)", SplitStep::Drop::kBetween}, {R"(\p{N})"}, {R"(\p{N}+)"}};
  EXPECT_EQ(data->split, expected);
}

TEST(TokenizerJson, TakesMergesAsPairsAndIdsFromAnyOfTheFiles) {
  json files = written(tiny_vocabulary());
  set(files, "/tokenizer/model/merges", R"([["h", "e"], ["l", "l"]])");
  set(files, "/config", R"({"bos_token": {"content": "<s>"}, "eos_token": "</s>", "add_bos_token": true})");
  set(files, "/generation", R"({"eos_token_id": 11})");
  set(files, "/model", R"({"eos_token_id": [2, 11]})");
  const auto data = read(files);
  ASSERT_TRUE(data) << data.error().message();
  EXPECT_THAT(data->merges, ElementsAre("h e", "l l"));
  EXPECT_EQ(data->bos, kBos);
  EXPECT_TRUE(data->add_bos);
  EXPECT_THAT(data->stop_ids, ElementsAre(kEos, 11, 2));
}

TEST(TokenizerJson, TheTemplateOverrulesTheFlag) {
  json files = written(tiny_vocabulary());
  set(files, "/config/add_bos_token", "true");
  set(files, "/tokenizer/post_processor", R"({"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}}]})");
  EXPECT_FALSE(read(files)->add_bos);
}

TEST(TokenizerJson, AddedTokensMayFollowOrRepeatTheVocabulary) {
  json files = written(tiny_vocabulary());
  set(files, "/tokenizer/added_tokens/3", R"({"id": 264, "content": "<new>", "special": true})");
  files["tokenizer"]["model"]["vocab"].erase("<tag>");
  const auto data = read(files);
  ASSERT_TRUE(data) << data.error().message();
  EXPECT_EQ(data->tokens.back(), "<new>");
  EXPECT_EQ(data->types.back(), TokenType::kControl);
  EXPECT_EQ(data->types[kTag], TokenType::kUserDefined);
}

struct Spoiled {
  const char *pointer, *value, *message;
};

constexpr Spoiled kSpoiled[] = {
    {"/tokenizer", "[]", "no model"},
    {"/tokenizer/model/type", R"("Unigram")", "'Unigram'"},
    {"/tokenizer/model/byte_fallback", "true", "'byte_fallback'"},
    {"/tokenizer/model/dropout", "0.1", "'dropout'"},
    {"/tokenizer/model/end_of_word_suffix", R"("</w>")", "end_of_word_suffix"},
    {"/tokenizer/model/ignore_merges", "1", "'ignore_merges'"},
    {"/tokenizer/model/vocab", "1", "model.vocab"},
    {"/tokenizer/model/vocab/he", "-1", "'he' has no id"},
    {"/tokenizer/model/vocab/he", "1e9", "'he' has no id"},
    {"/tokenizer/model/vocab/he", "18446744073709551615", "ids count up"},
    {"/tokenizer/model/vocab/he", "257", "ids count up"},
    {"/tokenizer/model/merges", "1", "model.merges"},
    {"/tokenizer/model/merges/2", R"(["a", "b", "c"])", "merge 2"},
    {"/tokenizer/normalizer", R"({"type": "NFC"})", "'NFC'"},
    {"/tokenizer/pre_tokenizer", "null", "pre-tokenizer"},
    {"/tokenizer/pre_tokenizer/type", R"("Whitespace")", "'Whitespace'"},
    {"/tokenizer/pre_tokenizer/pretokenizers", "[]", "no ByteLevel"},
    {"/tokenizer/pre_tokenizer/pretokenizers/0/behavior", R"("MergedWithNext")", "'MergedWithNext'"},
    {"/tokenizer/pre_tokenizer/pretokenizers/0/pattern", "null", "no pattern"},
    {"/tokenizer/pre_tokenizer/pretokenizers/1/add_prefix_space", "true", "'add_prefix_space'"},
    {"/tokenizer/pre_tokenizer/pretokenizers/1/add_prefix_space", "null", "'add_prefix_space'"},
    {"/tokenizer/pre_tokenizer/pretokenizers/2", R"({"type": "Digits"})", "after ByteLevel"},
    {"/tokenizer/post_processor", R"({"type": "BertProcessing"})", "'BertProcessing'"},
    {"/tokenizer/added_tokens", "7", "added_tokens"},
    {"/tokenizer/added_tokens/0/lstrip", "true", "'lstrip'"},
    {"/tokenizer/added_tokens/0/id", "5", "ids count up"},
    {"/tokenizer/added_tokens/0/content", "null", "no content"},
    {"/config/eos_token", R"("<gone>")", "'<gone>'"},
    {"/generation/eos_token_id", "[264]", "generation_config.json: eos_token_id '264'"},
    {"/model", R"({"eos_token_id": "x"})", "config.json: eos_token_id"},
};

TEST(TokenizerJson, RefusesByName) {
  for (const auto& [pointer, value, message] : kSpoiled) {
    json files = written(tiny_vocabulary());
    set(files, pointer, value);
    const auto refused = read(files);
    ASSERT_FALSE(refused) << pointer << " " << value;
    EXPECT_THAT(refused.error().message(), HasSubstr(message));
  }
}

TEST(TokenizerJson, RefusesNestingWithoutEnd) {
  json files = written(tiny_vocabulary());
  json& node = files["tokenizer"]["pre_tokenizer"];
  for (int depth = 0; depth < 100; ++depth) {
    json outer = {{"type", "Sequence"}};
    outer["pretokenizers"].push_back(std::move(node));
    node = std::move(outer);
  }
  const auto refused = read(files);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("too deep"));
}

TEST(TokenizerJson, WritesOnlyUtf8) {
  TokenizerData data = tiny_vocabulary();
  data.tokens[kTag] = "\xff";
  const auto refused = to_tokenizer_json(data);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("token 263"));
}

}  // namespace
}  // namespace adder
