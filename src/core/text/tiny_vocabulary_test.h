#pragma once

#include <string>
#include <vector>

#include "core/text/byte_alphabet.h"
#include "core/text/tokenizer.h"

namespace adder {

/// A vocabulary to test with: ids 0 to 255 are the bytes, then come h+e, l+l, he+ll, hell+o, Ġ+hello, and three tokens
/// that only text as a whole can be: <s>, </s> (control) and <tag> (user-defined).
inline TokenizerData tiny_vocabulary() {
  TokenizerData data;
  data.pre = "gpt-2";
  for (int byte = 0; byte < 256; ++byte) data.tokens.emplace_back(byte_letter(static_cast<uint8_t>(byte)));
  data.merges = {"h e", "l l", "he ll", "hell o", "Ġ hello"};
  for (const char* token : {"he", "ll", "hell", "hello", "Ġhello", "<s>", "</s>", "<tag>"})
    data.tokens.emplace_back(token);
  data.types.assign(data.tokens.size(), TokenType::kNormal);
  data.types[261] = data.types[262] = TokenType::kControl;
  data.types[263] = TokenType::kUserDefined;
  data.bos = 261;
  data.eos = 262;
  data.stop_ids = {262};
  return data;
}

constexpr TokenId kHe = 256, kLl = 257, kHell = 258, kHello = 259, kSpaceHello = 260;
constexpr TokenId kBos = 261, kEos = 262, kTag = 263;

}  // namespace adder
