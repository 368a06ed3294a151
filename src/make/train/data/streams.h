#pragma once

#include <filesystem>
#include <vector>

#include "core/text/tokenizer.h"
#include "make/train/data/corpus.h"

namespace adder {

/// A corpus as tokens, documents one after another in the order of their ids: <s> text </s>.
struct Streams {
  std::vector<TokenId> train, held_out;
  int64_t held_out_bytes = 0;  ///< of text, for bits per byte
};

/// Tokenizes once: `cache` keeps the result and is used again when the tokenizer and every book are the same.
Result<Streams> tokenize_corpus(const std::vector<Book>& books, const Tokenizer& tokenizer,
                                const std::filesystem::path& cache);

/// The tokenizer in `directory` (tokenizer.json and its side files); trained on the books that are not held out and
/// written there if there is none.
Result<Tokenizer> tokenizer_for(const std::vector<Book>& books, int64_t vocab_size,
                                const std::filesystem::path& directory);

}  // namespace adder
