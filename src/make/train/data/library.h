#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "make/train/data/corpus.h"
#include "make/train/data/mixture.h"
#include "make/train/data/streams.h"

namespace adder {

/// Several corpora as tokens: a stream to train on from each, and one to be judged by from all of them.
struct Library {
  std::vector<Book> books;
  std::vector<std::vector<TokenId>> train;  ///< one for each folder
  std::vector<TokenId> held_out;
  int64_t held_out_bytes = 0;

  int64_t train_tokens() const;
  /// kUsage when a stream has less than two windows, or for another number of weights than folders (none: by tokens).
  Result<Mixture> mixture(std::span<const double> weights, TokenId bos, int64_t length, uint64_t seed) const;
};

/// Books whose id is in `held_out` are never trained on, whichever folder they are in; an id that is in no folder is an
/// error. `cache` is a folder for the tokens.
Result<Library> read_library(const std::vector<std::filesystem::path>& folders, const std::vector<int64_t>& held_out,
                             const Tokenizer& tokenizer, const std::filesystem::path& cache);

}  // namespace adder
