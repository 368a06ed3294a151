#include "make/train/data/bpe_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adder {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kBase = 16 + 256;  // control tokens and bytes

TEST(BpeTrainer, MergesTheMostFrequentPairAndBreaksTiesByIds) {
  // Sennrich's example, worked out by hand: es 9 and st 9 tie, then lo 7 and ow 7, then ew, ne and w+est at 6.
  const WordCounts words = {{"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}};
  const auto data = train_bpe(words, kBase + 6);
  ASSERT_TRUE(data) << data.error().message();
  EXPECT_THAT(data->merges, ElementsAre("e s", "es t", "l o", "lo w", "e w", "n ew"));
  EXPECT_EQ(data->tokens.back(), "new");
}

TEST(BpeTrainer, CountsOverlappingPairsAsTheyMerge) {
  // "aaaa" holds aa three times but merges into two: the next pair (aa aa) then counts once a word.
  const auto data = train_bpe({{"aaaa", 3}, {"ab", 4}}, kBase + 3);
  ASSERT_TRUE(data);
  EXPECT_THAT(data->merges, ElementsAre("a a", "a b", "aa aa"));
}

TEST(BpeTrainer, LaysOutControlTokensThenBytes) {
  const auto data = train_bpe({{"ab", 2}}, kBase + 1);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->tokens[0], "<unk>");
  EXPECT_EQ(data->tokens[static_cast<size_t>(data->bos)], "<s>");
  EXPECT_EQ(data->tokens[static_cast<size_t>(data->eos)], "</s>");
  EXPECT_EQ(data->tokens[10], "<|im_start|>");
  EXPECT_EQ(data->tokens[11], "<|im_end|>");
  EXPECT_EQ(data->types[15], TokenType::kControl);
  EXPECT_EQ(data->types[16], TokenType::kNormal);
  EXPECT_EQ(data->tokens[16 + 'a'], "a");
  EXPECT_EQ(data->tokens[16 + ' '], "\u0120");
  EXPECT_EQ(std::ssize(data->tokens), kBase + 1);
  EXPECT_EQ(data->types.size(), data->tokens.size());
}

TEST(BpeTrainer, RefusesWhatTheTextCannotGive) {
  EXPECT_THAT(train_bpe({{"ab", 2}}, kBase).error().message(), HasSubstr("272 are taken"));
  EXPECT_THAT(train_bpe({{"ab", 2}}, kBase + 2).error().message(), HasSubstr("pairs for 273 only"));
  EXPECT_FALSE(train_bpe({{"ab", 1}}, kBase + 1)) << "a pair seen once teaches nothing";
}

TEST(BpeTrainer, MakesATokenizerThatReadsItsOwnTextInFewTokens) {
  const std::string text = "The rat ran. The cat sat; the rat ran, and the cat, the fat cat, ran after the rat.\n";
  WordCounts words;
  ASSERT_TRUE(count_words(text + text, kTrainedPre, words));
  EXPECT_EQ(words.at(" the"), 8);
  auto data = train_bpe(words, kBase + 20);
  ASSERT_TRUE(data) << data.error().message();
  const auto tokenizer = Tokenizer::from_data(*data);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  const std::vector<TokenId> ids = tokenizer->encode(text);
  EXPECT_EQ(tokenizer->decode(ids), text);
  EXPECT_LT(ids.size(), text.size() / 2);
}

}  // namespace
}  // namespace adder
