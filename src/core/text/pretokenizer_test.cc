#include "core/text/pretokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "core/base/rng.h"

namespace adder {
namespace {

using Pieces = std::vector<std::string_view>;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kRules[] = {"gpt-2", "mpt",    "llama-bpe",    "llama3",         "pixtral",
                                       "qwen2", "tekken", "deepseek-llm", "deepseek-coder", "falcon"};

Pretokenizer make(std::string_view rule) {
  auto made = Pretokenizer::named(rule);
  EXPECT_TRUE(made) << made.error().message();
  return std::move(made).value();
}

Pieces split(const Pretokenizer& pretokenizer, std::string_view text) {
  Pieces pieces;
  pretokenizer.split(text, pieces);
  return pieces;
}

Pieces split(std::string_view rule, std::string_view text) {
  return split(make(rule), text);
}

std::string joined(const Pieces& pieces) {
  std::string text;
  for (const std::string_view piece : pieces) text += piece;
  return text;
}

// What Hugging Face tokenizers 0.23 makes of the published expressions.
TEST(Pretokenizer, Contractions) {
  constexpr std::string_view kText = "I'm  he'LL 'sure\t\tx \n\n y";
  EXPECT_THAT(split("gpt-2", kText),
              ElementsAre("I", "'m", " ", " he", "'", "LL", " '", "sure", "\t", "\t", "x", " \n\n", " y"));
  for (const std::string_view rule : {"llama-bpe", "qwen2", "tekken"})
    EXPECT_THAT(split(rule, kText),
                ElementsAre("I", "'m", " ", " he", "'LL", " '", "sure", "\t", "\tx", " \n\n", " y"));
  EXPECT_THAT(split("deepseek-coder", kText),
              ElementsAre("I", "'", "m", " ", " he", "'", "LL", " '", "sure", "\t", "\tx", " ", "\n", "\n", " y"));
  EXPECT_THAT(split("falcon", kText),
              ElementsAre("I", "'", "m", " ", " he", "'", "LL", " ", "'", "sure", "\t", "\t", "x", " \n\n", " y"));
  // The Llama 3 rule takes a contraction out of a word that only begins like one; Tekken's does not know any.
  EXPECT_THAT(split("pixtral", "'llama"), ElementsAre("'ll", "ama"));
  EXPECT_THAT(split("tekken", "'llama"), ElementsAre("'llama"));
}

TEST(Pretokenizer, Digits) {
  constexpr std::string_view kText = "v2.10 1234567 ٣٤";
  EXPECT_THAT(split("gpt-2", kText), ElementsAre("v", "2", ".", "10", " 1234567", " ٣٤"));
  EXPECT_THAT(split("llama-bpe", kText), ElementsAre("v", "2", ".", "10", " ", "123", "456", "7", " ", "٣٤"));
  for (const std::string_view rule : {"qwen2", "tekken", "deepseek-coder"})
    EXPECT_THAT(split(rule, kText),
                ElementsAre("v", "2", ".", "1", "0", " ", "1", "2", "3", "4", "5", "6", "7", " ", "٣", "٤"));
  EXPECT_THAT(split("falcon", kText), ElementsAre("v", "2", ".", "10", " ", "123", "456", "7", " ٣٤"));
  EXPECT_THAT(split("deepseek-llm", kText), ElementsAre("v", "2", ".", "10", " ", "1234567", " ", "٣٤"));
}

TEST(Pretokenizer, Cjk) {
  constexpr std::string_view kText = "日本語 text，。한국어!";
  for (const std::string_view rule : {"gpt-2", "llama-bpe", "qwen2", "tekken", "falcon"})
    EXPECT_THAT(split(rule, kText), ElementsAre("日本語", " text", "，。", "한국어", "!"));
  // The range of the CJK step begins at U+0800 and has the ideographic full stop.
  EXPECT_THAT(split("deepseek-coder", kText), ElementsAre("日本語", " text", "，", "。", "한국어", "!"));
}

TEST(Pretokenizer, CombiningMarks) {
  constexpr std::string_view kText = "e\u0301a\u0301 \u0301x";
  EXPECT_THAT(split("gpt-2", kText), ElementsAre("e", "\u0301", "a", "\u0301", " \u0301", "x"));
  EXPECT_THAT(split("pixtral", kText), ElementsAre("e", "\u0301a", "\u0301", " \u0301", "x"));
  EXPECT_THAT(split("tekken", kText), ElementsAre("e\u0301a\u0301", " \u0301x"));
}

TEST(Pretokenizer, EmojiAndJoiners) {
  for (const std::string_view rule : {"gpt-2", "llama-bpe", "qwen2", "tekken", "falcon"})
    EXPECT_THAT(split(rule, "👩‍👩‍👧 ok🇩🇪"), ElementsAre("👩‍👩‍👧", " ok", "🇩🇪"));
}

TEST(Pretokenizer, LineEnds) {
  constexpr std::string_view kText = "a\r\n\r\n  b \r\nc  ";
  EXPECT_THAT(split("gpt-2", kText), ElementsAre("a", "\r\n\r\n ", " b", " \r", "\n", "c", "  "));
  for (const std::string_view rule : {"llama-bpe", "qwen2", "tekken"})
    EXPECT_THAT(split(rule, kText), ElementsAre("a", "\r\n\r\n", " ", " b", " \r\n", "c", "  "));
  for (const std::string_view rule : {"deepseek-coder", "deepseek-llm"})
    EXPECT_THAT(split(rule, kText), ElementsAre("a", "\r", "\n", "\r", "\n", " ", " b", " ", "\r", "\n", "c", "  "));
  EXPECT_THAT(split("pixtral", "//\n/x"), ElementsAre("//\n", "/x"));
  EXPECT_THAT(split("tekken", "//\n/x"), ElementsAre("//\n/", "x"));
}

TEST(Pretokenizer, MixedCase) {
  constexpr std::string_view kText = "fooBar HTTPServer XmlÉtude ǅx";
  for (const std::string_view rule : {"gpt-2", "llama-bpe", "qwen2", "deepseek-coder", "falcon"})
    EXPECT_THAT(split(rule, kText), ElementsAre("fooBar", " HTTPServer", " XmlÉtude", " ǅx"));
  EXPECT_THAT(split("tekken", kText), ElementsAre("foo", "Bar", " HTTPServer", " Xml", "Étude", " ǅx"));
}

// U+180E was white space until Unicode 6.3, U+0085 is white space without being a separator.
TEST(Pretokenizer, WhiteSpaceIsThatOfUnicode) {
  constexpr std::string_view kText = "\u00a0x\u3000\u2003y \u180ez\u0085w";
  EXPECT_THAT(split("gpt-2", kText),
              ElementsAre("\u00a0", "x", "\u3000", "\u2003", "y", " \u180e", "z", "\u0085", "w"));
  EXPECT_THAT(split("tekken", kText), ElementsAre("\u00a0x", "\u3000", "\u2003y", " \u180e", "z", "\u0085w"));
}

TEST(Pretokenizer, InvalidBytesStandAlone) {
  for (const std::string_view rule : kRules) {
    EXPECT_THAT(split(rule,
                      "ab\xff\xfe"
                      "cd\xe2\x82"),
                ElementsAre("ab", "\xff", "\xfe", "cd", "\xe2", "\x82"))
        << rule;
    EXPECT_THAT(split(rule, "\xed\xa0\x80"), ElementsAre("\xed", "\xa0", "\x80")) << rule << ": a surrogate";
    EXPECT_THAT(split(rule, ""), ElementsAre()) << rule;
    EXPECT_THAT(split(rule, std::string_view("\0", 1)), ElementsAre(std::string_view("\0", 1))) << rule;
  }
}

TEST(Pretokenizer, PiecesJoinToTheTextForAnyBytes) {
  Rng rng(7);
  for (const std::string_view rule : kRules) {
    const Pretokenizer pretokenizer = make(rule);
    for (int round = 0; round < 200; ++round) {
      std::string text;
      for (uint32_t n = rng.next_u32() % 60; n > 0; --n)
        text += static_cast<char>(rng.next_u32() % (round % 2 == 0 ? 256 : 128));
      EXPECT_EQ(joined(split(pretokenizer, text)), text) << rule;
    }
  }
}

TEST(Pretokenizer, StepsDropWhatTheySay) {
  const auto cut = [](SplitStep::Drop drop) {
    const std::vector<SplitStep> steps = {{R"(\d+)", drop}};
    const auto pretokenizer = Pretokenizer::from_steps(steps);
    EXPECT_TRUE(pretokenizer);
    return split(*pretokenizer, "a1b22c");
  };
  EXPECT_THAT(cut(SplitStep::Drop::kNothing), ElementsAre("a", "1", "b", "22", "c"));
  EXPECT_THAT(cut(SplitStep::Drop::kMatches), ElementsAre("a", "b", "c"));
  EXPECT_THAT(cut(SplitStep::Drop::kBetween), ElementsAre("1", "22"));
}

TEST(Pretokenizer, EmptyMatchesCut) {
  const std::vector<std::string> before_capital = {R"((?=\p{Lu}))"};
  EXPECT_THAT(split(*Pretokenizer::from_regex(before_capital), "AbCdéÉ"), ElementsAre("Ab", "Cdé", "É"));
  const std::vector<std::string> maybe_digits = {R"(\d*)"};
  EXPECT_THAT(split(*Pretokenizer::from_regex(maybe_digits), "12ab"), ElementsAre("12", "a", "b"));
}

TEST(Pretokenizer, LookAroundEndsAtThePiece) {
  const std::vector<std::string> steps = {"x", "(?<=x)a", "b$"};
  EXPECT_THAT(split(*Pretokenizer::from_regex(steps), "xaabbxab"), ElementsAre("x", "aab", "b", "x", "a", "b"));
}

TEST(Pretokenizer, UnknownNamesAndBrokenExpressionsAreRefused) {
  const auto unknown = Pretokenizer::named("gpt-9");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(unknown.error().message(), HasSubstr("'gpt-9'"));
  EXPECT_THAT(unknown.error().message(), HasSubstr("pixtral"));
  for (const std::string expression : {"(", "[a", "a{2,1}", "*", R"(\p{Klingon})"}) {
    const auto broken = Pretokenizer::from_regex(std::vector<std::string>{expression});
    ASSERT_FALSE(broken) << expression;
    EXPECT_THAT(broken.error().message(), HasSubstr(expression));
  }
}

std::string repeated(std::string_view unit, size_t bytes, std::string_view end) {
  std::string text;
  while (text.size() < bytes) text += unit;
  return text + std::string(end);
}

// Quadratic time would be some 3e10 steps on these texts, half a minute and more; linear time is milliseconds. The
// bound lies far from both, so that no busy or emulated processor comes near it.
TEST(Pretokenizer, LongRunsAreNotQuadratic) {
  constexpr size_t kBytes = 1 << 18;
  constexpr double kSeconds = 5;
  const std::pair<std::string_view, std::string_view> texts[] = {
      {" ", "x"},    {" ", "一"},     {" ", ""},  {"a", ""},     {"A", "1"},      {"\n", " x"}, {"\r\n", "x"},
      {"🦙", "x"}, {"'", "s"},      {"1", "a"}, {"\t ", "1"},  {" \n", "x"},    {"/", "\n"},  {"\u0301", "1"},
      {"!", " "},    {"\u00a0", "1"}, {"aB", ""}, {"\xff", "a"}, {"a\u0301A", ""}};
  for (const std::string_view rule : kRules) {
    const Pretokenizer pretokenizer = make(rule);
    for (const auto& [unit, end] : texts) {
      const std::string text = repeated(unit, kBytes, end);
      const std::clock_t begin = std::clock();
      EXPECT_EQ(joined(split(pretokenizer, text)), text);
      EXPECT_LE(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, kSeconds)
          << rule << " on '" << unit << "' ... '" << end << "'";
    }
  }
}

TEST(Pretokenizer, HostileExpressionsEnd) {
  for (const std::string expression : {R"((a+)+$)", R"((a|a)*b)", R"((.*)*c)", R"(((a?){20}){20}x)"}) {
    const auto pretokenizer = Pretokenizer::from_regex(std::vector<std::string>{expression});
    ASSERT_TRUE(pretokenizer) << expression;
    const std::string text = std::string(200, 'a') + "!";
    EXPECT_EQ(joined(split(*pretokenizer, text)), text);
  }
}

}  // namespace
}  // namespace adder
