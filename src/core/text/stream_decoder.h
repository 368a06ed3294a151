#pragma once

#include <string>

#include "core/text/tokenizer.h"

namespace adder {

/// Tokens to text as they come: what is emitted is always well-formed UTF-8. Bytes that can no longer become a code
/// point are replaced at once, one U+FFFD for each broken piece (see utf8.h); up to three bytes that still can are held
/// back until the next token or `finish`.
///
/// The tokenizer must outlive the decoder. One decoder per stream.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool special = false)
      : tokenizer_(&tokenizer), special_(special) {}

  /// The text that became certain with this token, possibly none. Control tokens are silent unless `special`.
  std::string push(TokenId id);

  /// The text still owed at the end of the stream; the decoder is then as new.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  bool special_;
  std::string pending_;
};

}  // namespace adder
