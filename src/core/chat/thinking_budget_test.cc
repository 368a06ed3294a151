#include "core/chat/thinking_budget.h"

#include <gtest/gtest.h>

#include "core/chat/chat_format.h"
#include "core/chat/chat_vocabulary_test.h"

namespace adder {
namespace {

/// What becomes of an answer whose model says 'a' for ever: its reasoning and content, after `n` tokens.
std::pair<std::string, std::string> answer(int64_t budget, bool thinking, int n, bool mark_is_token = true) {
  const Tokenizer tokenizer = chat_tokenizer();
  ReplyMarks marks = marks_of("<think></think>", tokenizer);
  if (!mark_is_token) marks.think_end.id = -1;
  ThinkingBudget thoughts(tokenizer, marks, budget);
  ReplyReader reader(tokenizer, marks, nullptr, thinking);
  for (int i = 0; i < n; ++i) reader.push(thoughts.next(reader.is_reasoning()).value_or('a'));
  reader.finish();
  const auto message = reader.message();
  EXPECT_EQ(thoughts.used(), static_cast<int64_t>(message.value("reasoning_content", "").size()));
  return {message.value("reasoning_content", ""), message["content"]};
}

using Parts = std::pair<std::string, std::string>;

TEST(ThinkingBudget, EndsReasoningWhenItIsSpent) {
  EXPECT_EQ(answer(3, true, 8), Parts("aaa", "aaaa")) << "the mark is one of the eight tokens";
  EXPECT_EQ(answer(0, true, 3), Parts("", "aa"));
  EXPECT_EQ(answer(8, true, 8), Parts("aaaaaaaa", ""));
}

TEST(ThinkingBudget, LeavesAloneWhatIsNoReasoning) {
  EXPECT_EQ(answer(3, false, 8), Parts("", "aaaaaaaa"));
  EXPECT_EQ(answer(-1, true, 8), Parts("aaaaaaaa", ""));
}

TEST(ThinkingBudget, SpellsAMarkThatIsNoToken) {
  EXPECT_EQ(answer(2, true, 12, false), Parts("aa", "aa")) << "eight letters make the mark";
}

TEST(ThinkingBudget, DoesNothingWithoutAMark) {
  const Tokenizer tokenizer = chat_tokenizer();
  ThinkingBudget thoughts(tokenizer, {}, 0);
  EXPECT_EQ(thoughts.next(true), std::nullopt);
}

}  // namespace
}  // namespace adder
