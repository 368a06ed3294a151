#pragma once

#include "core/text/tokenizer.h"

namespace adder {

/// Fewest tokens a synthetic vocabulary can have: the named specials and one for each byte.
inline constexpr int64_t kMinSynthVocab = 18 + 256;

/// A byte-level BPE vocabulary of exactly `size` tokens in the family's order: specials (18 with the names they have in
/// Nemotron 3, from 32768 tokens on 1000 of them), the 256 bytes in order, then all words over a..z, shorter first,
/// each with and without a leading space, and the merges that spell them letter by letter. Any text can be encoded;
/// English comes to about two letters a token. size >= kMinSynthVocab.
TokenizerData synthetic_vocabulary(int64_t size);

}  // namespace adder
