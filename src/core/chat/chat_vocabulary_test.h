#pragma once

#include "core/text/tiny_vocabulary_test.h"

namespace adder {

/// The tiny vocabulary with the control tokens of a chat model behind it.
inline Tokenizer chat_tokenizer(bool add_bos = false) {
  TokenizerData data = tiny_vocabulary();
  data.add_bos = add_bos;
  for (const char* token : {"<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>"}) {
    data.tokens.emplace_back(token);
    data.types.push_back(TokenType::kControl);
  }
  return std::move(Tokenizer::from_data(std::move(data))).value();
}

constexpr TokenId kImStart = 264, kImEnd = 265, kThink = 266, kEndThink = 267, kToolCall = 268, kEndToolCall = 269;

}  // namespace adder
