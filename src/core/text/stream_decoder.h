#pragma once

#include <string>

#include "core/text/tokenizer.h"

namespace adder {

/// Tokens to text as they come: never emits part of a code point; bytes that can no longer become valid UTF-8 are
/// replaced by U+FFFD at once, what is left at the end by `finish`.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool special = false)
      : tokenizer_(&tokenizer), special_(special) {}

  std::string push(TokenId id);
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  bool special_;
  std::string pending_;
};

}  // namespace adder
