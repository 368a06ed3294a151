#include "core/text/special_tokens.h"

#include <gtest/gtest.h>

namespace adder {
namespace {

SpecialTokens make(std::initializer_list<const char*> texts) {
  SpecialTokens tokens;
  int32_t id = 0;
  for (const char* text : texts) tokens.add(text, id++);
  tokens.finish();
  return tokens;
}

void expect_match(const SpecialTokens& tokens, std::string_view text, size_t from, size_t begin, int32_t id,
                  size_t bytes) {
  const auto match = tokens.find(text, from);
  ASSERT_TRUE(match) << text;
  EXPECT_EQ(match->begin, begin);
  EXPECT_EQ(match->id, id);
  EXPECT_EQ(match->bytes, bytes);
}

TEST(SpecialTokens, TakesTheLeftmostThenTheLongest) {
  const SpecialTokens tokens = make({"<s>", "<s>>", "</s>", "bcd", "ab", "é"});
  expect_match(tokens, "x<s>y", 0, 1, 0, 3);
  expect_match(tokens, "x<s>>y", 0, 1, 1, 4);
  expect_match(tokens, "<s></s>", 1, 3, 2, 4);
  expect_match(tokens, "abcd", 0, 0, 4, 2);
  expect_match(tokens, "abcd", 1, 1, 3, 3);
  expect_match(tokens, "</é", 0, 2, 5, 2);
}

TEST(SpecialTokens, FindsNothingInBeginnings) {
  const SpecialTokens tokens = make({"<s>", "<think>"});
  for (const char* text : {"", "<", "<s", "<thin", "<<s", "think>", "<\xff>"})
    EXPECT_FALSE(tokens.find(text, 0)) << text;
  EXPECT_FALSE(make({}).find("<s>", 0));
}

}  // namespace
}  // namespace adder
