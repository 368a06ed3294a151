#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/text/tokenizer.h"

namespace adder {

/// How often each piece of pre-tokenised text occurs. Ordered, so that training depends on the text alone.
using WordCounts = std::map<std::string, int64_t, std::less<>>;

/// Learns a byte-level BPE vocabulary (Sennrich et al., arXiv 1508.07909; GPT-2's byte alphabet): ids 0..15 are
/// <unk>, <s>, </s>, reserved control tokens, <|im_start|> = 10 and <|im_end|> = 11; then the 256 bytes; then merges,
/// always of the most frequent pair, ties to the pair of lower ids. Words are never merged across.
/// Fails if `vocab_size` leaves no room, or if the text runs out of pairs that occur twice.
Result<TokenizerData> train_bpe(const WordCounts& words, int64_t vocab_size);

/// Adds the pieces of `text`, cut by the rule that GGUF calls `pre`.
Status count_words(std::string_view text, std::string_view pre, WordCounts& counts);

/// The rule that trained tokenizers are cut by.
inline constexpr std::string_view kTrainedPre = "llama-bpe";

}  // namespace adder
