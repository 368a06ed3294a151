#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/chat/reply_reader.h"

namespace adder {

/// Ends reasoning that has taken as many tokens as it may. Asked before each token of an answer, it gives the tokens of
/// the closing mark once the budget is spent: one id where the mark is a token of its own, else those of its text. What
/// the model then says is its answer. Whether it counts is the ReplyReader's knowledge.
class ThinkingBudget {
 public:
  /// tokens < 0: no end. Nothing is ended either where the template has no mark for it.
  ThinkingBudget(const Tokenizer& tokenizer, const ReplyMarks& marks, int64_t tokens);

  /// The token to put next, none if the model may choose. `reasoning`: whether the next token would be reasoning.
  std::optional<TokenId> next(bool reasoning);

  int64_t used() const { return used_; }  ///< tokens of reasoning that the model chose

 private:
  int64_t tokens_, used_ = 0;
  std::vector<TokenId> end_;
  size_t given_ = 0;  // of the mark that is being put
};

}  // namespace adder
