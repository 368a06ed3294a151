#include "core/chat/thinking_budget.h"

namespace adder {

ThinkingBudget::ThinkingBudget(const Tokenizer& tokenizer, const ReplyMarks& marks, int64_t tokens) : tokens_(tokens) {
  if (marks.think_end.id >= 0)
    end_ = {marks.think_end.id};
  else
    end_ = tokenizer.encode(marks.think_end.text, {.add_bos = false});
}

std::optional<TokenId> ThinkingBudget::next(bool reasoning) {
  if (given_ == end_.size()) given_ = 0;
  const bool is_spent = reasoning && tokens_ >= 0 && used_ >= tokens_ && !end_.empty();
  if (given_ > 0 || is_spent) return end_[given_++];
  used_ += reasoning ? 1 : 0;
  return std::nullopt;
}

}  // namespace adder
