#include "core/text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "core/base/rng.h"
#include "core/text/tiny_vocabulary_test.h"

namespace adder {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tokenizer make(TokenizerData data) {
  auto made = Tokenizer::from_data(std::move(data));
  EXPECT_TRUE(made) << made.error().message();
  return std::move(made).value();
}

TEST(Tokenizer, MergesByRank) {
  const Tokenizer tokenizer = make(tiny_vocabulary());
  EXPECT_THAT(tokenizer.encode("hello hello"), ElementsAre(kHello, kSpaceHello));
  EXPECT_THAT(tokenizer.encode("helo"), ElementsAre(kHe, 'l', 'o'));
  EXPECT_THAT(tokenizer.encode("ello"), ElementsAre('e', kLl, 'o'));
  EXPECT_THAT(tokenizer.encode("lll"), ElementsAre(kLl, 'l'));
  EXPECT_THAT(tokenizer.encode(""), ElementsAre());
  EXPECT_THAT(tokenizer.encode("é"), ElementsAre(0xc3, 0xa9));
}

TEST(Tokenizer, WholePiecesBeforeMergesOnlyIfAsked) {
  TokenizerData data = tiny_vocabulary();
  data.merges.pop_back();  // "Ġhello" stays a token, but nothing merges to it
  EXPECT_THAT(make(data).encode(" hello"), ElementsAre(' ', kHello));
  data.ignore_merges = true;
  EXPECT_THAT(make(data).encode(" hello"), ElementsAre(kSpaceHello));
  data.types[kSpaceHello] = TokenType::kControl;
  EXPECT_THAT(make(data).encode(" hello"), ElementsAre(' ', kHello)) << "a control token's text is plain text";
}

TEST(Tokenizer, InvalidBytesSurvive) {
  const Tokenizer tokenizer = make(tiny_vocabulary());
  EXPECT_THAT(tokenizer.encode("he\xffll\xe2\x82"), ElementsAre(kHe, 0xff, kLl, 0xe2, 0x82));
  Rng rng(1);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (uint32_t n = rng.next_u32() % 50; n > 0; --n) text += static_cast<char>(rng.next_u32());
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
}

TEST(Tokenizer, ControlTokensAreTextUnlessAsked) {
  const Tokenizer tokenizer = make(tiny_vocabulary());
  EXPECT_THAT(tokenizer.encode("<s>hello"), ElementsAre('<', 's', '>', kHello));
  EXPECT_THAT(tokenizer.encode("<s>hello</s>", {.parse_special = true}), ElementsAre(kBos, kHello, kEos));
  EXPECT_THAT(tokenizer.encode("x<tag>hello"), ElementsAre('x', kTag, kHello));
  EXPECT_THAT(tokenizer.encode("x<tag>hello", {.parse_special = true}), ElementsAre('x', kTag, kHello));
}

TEST(Tokenizer, OneBeginTokenAtMost) {
  TokenizerData data = tiny_vocabulary();
  const EncodeOptions parse = {.parse_special = true};
  EXPECT_THAT(make(data).encode("<s>hello", parse), ElementsAre(kBos, kHello));
  data.add_bos = true;
  const Tokenizer tokenizer = make(data);
  EXPECT_THAT(tokenizer.encode("hello"), ElementsAre(kBos, kHello));
  EXPECT_THAT(tokenizer.encode(""), ElementsAre(kBos));
  EXPECT_THAT(tokenizer.encode("<s>hello", parse), ElementsAre(kBos, kHello));
  EXPECT_THAT(tokenizer.encode("hello", {.add_bos = false}), ElementsAre(kHello));
  EXPECT_THAT(tokenizer.encode("</s><s>", parse), ElementsAre(kBos, kEos, kBos)) << "in the middle it is the text's";
}

TEST(Tokenizer, DecodesSilentlyOrInFull) {
  const Tokenizer tokenizer = make(tiny_vocabulary());
  const std::vector<TokenId> ids = {kBos, kHello, kTag, kSpaceHello, kEos, -1, 264, 1 << 30};
  EXPECT_EQ(tokenizer.decode(ids), "hello<tag> hello");
  EXPECT_EQ(tokenizer.decode(ids, true), "<s>hello<tag> hello</s>");
  EXPECT_EQ(tokenizer.token_bytes(0x0a), "\n");
  EXPECT_EQ(tokenizer.token_bytes(0xe2), "\xe2");
}

TEST(Tokenizer, KnowsItsTokens) {
  const Tokenizer tokenizer = make(tiny_vocabulary());
  EXPECT_EQ(tokenizer.vocab_size(), 264);
  EXPECT_EQ(tokenizer.find("Ġhello"), kSpaceHello);
  EXPECT_EQ(tokenizer.find(" hello"), std::nullopt);
  EXPECT_EQ(tokenizer.type(kEos), TokenType::kControl);
  EXPECT_TRUE(tokenizer.is_stop(kEos));
  EXPECT_FALSE(tokenizer.is_stop(kBos));
}

TEST(Tokenizer, BytesWithoutATokenAreLeftOut) {
  TokenizerData data = tiny_vocabulary();
  data.tokens[0x03] = "unused_1";
  data.tokens[0xf5] = "unused_2";
  const Tokenizer tokenizer = make(data);
  EXPECT_THAT(tokenizer.encode("he\x03ll\xf5"), ElementsAre(kHe, kLl));
}

TEST(Tokenizer, RefusesBrokenData) {
  const std::tuple<const char*, std::function<void(TokenizerData&)>, const char*> cases[] = {
      {"no tokens",
       [](auto& d) {
         d.tokens.clear();
         d.types.clear();
       },
       "no tokens"},
      {"fewer types", [](auto& d) { d.types.pop_back(); }, "264 tokens, but 263 types"},
      {"duplicate", [](auto& d) { d.tokens[257] = "he"; }, "'he' is token 256 and token 257"},
      {"not UTF-8", [](auto& d) { d.tokens[kTag] = "\xed\xa0\x80"; }, "token 263 '\\xed\\xa0\\x80' is not UTF-8"},
      {"merge not UTF-8", [](auto& d) { d.merges[1] = "l \xff"; }, "merge 1 'l \\xff'"},
      {"no space", [](auto& d) { d.merges[1] = "ll"; }, "merge 1 is 'll'"},
      {"two spaces", [](auto& d) { d.merges[1] = "l  l"; }, "merge 1 is 'l  l'"},
      {"empty left", [](auto& d) { d.merges[0] = " he"; }, "merge 0"},
      {"empty right", [](auto& d) { d.merges[0] = "he "; }, "merge 0"},
      {"unknown left", [](auto& d) { d.merges[0] = "hx e"; }, "'hx' is not a token"},
      {"unknown result", [](auto& d) { d.merges[0] = "x e"; }, "'xe' is not a token"},
      {"merged control", [](auto& d) { d.types[kHe] = TokenType::kControl; }, "'he' is a control token"},
      {"merge twice", [](auto& d) { d.merges.push_back("h e"); }, "merge 5 'h e' is there twice"},
      {"byte missing", [](auto& d) { d.tokens['A'] = "AAA"; }, "0x41"},
      {"bos too large", [](auto& d) { d.bos = 264; }, "begin token id 264"},
      {"eos negative", [](auto& d) { d.eos = -2; }, "end token id -2"},
      {"stop too large", [](auto& d) { d.stop_ids.push_back(1000); }, "stop token id 1000"},
      {"bos to add but none",
       [](auto& d) {
         d.bos = -1;
         d.add_bos = true;
       },
       "none is named"},
      {"special too long", [](auto& d) { d.tokens[kTag] = std::string(5000, 'x'); },
       "special token 263 has 5000 bytes"},
      {"unknown rule", [](auto& d) { d.pre = "klingon"; }, "'klingon'"},
      {"no rule", [](auto& d) { d.pre.clear(); }, "pre-tokenizer"},
      {"broken expression", [](auto& d) { d.split = {{"("}}; }, "expression '('"},
  };
  for (const auto& [name, spoil, message] : cases) {
    TokenizerData data = tiny_vocabulary();
    spoil(data);
    const auto refused = Tokenizer::from_data(std::move(data));
    ASSERT_FALSE(refused) << name;
    EXPECT_THAT(refused.error().message(), HasSubstr(message)) << name;
  }
}

}  // namespace
}  // namespace adder
