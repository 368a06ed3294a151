#include "make/train/data/library.h"

#include <algorithm>
#include <iterator>

namespace adder {
namespace {

/// Those of the ids that begin the name of a file.
std::vector<int64_t> ids_in(const std::filesystem::path& folder, const std::vector<int64_t>& ids) {
  std::vector<int64_t> there;
  std::error_code failure;
  for (const auto& file : std::filesystem::directory_iterator(folder, failure)) {
    const std::optional<int64_t> id = book_id(file.path());
    if (id && std::ranges::find(ids, *id) != ids.end()) there.push_back(*id);
  }
  return there;
}

}  // namespace

int64_t Library::train_tokens() const {
  int64_t tokens = 0;
  for (const std::vector<TokenId>& stream : train) tokens += std::ssize(stream);
  return tokens;
}

Result<Mixture> Library::mixture(std::span<const double> weights, TokenId bos, int64_t length, uint64_t seed) const {
  if (!weights.empty() && weights.size() != train.size()) {
    return Error::usage("{} weights for {} folders of text", weights.size(), train.size());
  }
  std::vector<Windows> sources;
  std::vector<double> shares(weights.begin(), weights.end());
  for (const std::vector<TokenId>& stream : train) {
    if (std::ssize(stream) < 2 * length) {
      return Error::usage("folder {} of text: {} tokens to train on, two windows take {}", sources.size() + 1,
                          stream.size(), 2 * length);
    }
    // Streams that are alike must not be shuffled alike.
    sources.emplace_back(stream, bos, length, seed + sources.size());
    if (weights.empty()) shares.push_back(static_cast<double>(stream.size()));
  }
  return Mixture(std::move(sources), std::move(shares));
}

Result<Library> read_library(const std::vector<std::filesystem::path>& folders, const std::vector<int64_t>& held_out,
                             const Tokenizer& tokenizer, const std::filesystem::path& cache) {
  Library library;
  std::vector<int64_t> found;
  for (size_t i = 0; i < folders.size(); ++i) {
    const std::vector<int64_t> here = ids_in(folders[i], held_out);
    found.insert(found.end(), here.begin(), here.end());
    TRY_ASSIGN(std::vector<Book> books, read_corpus(folders[i], here));
    TRY_ASSIGN(Streams streams, tokenize_corpus(books, tokenizer, cache / fmt::format("tokens-{}.cache", i)));
    library.train.push_back(std::move(streams.train));
    library.held_out.insert(library.held_out.end(), streams.held_out.begin(), streams.held_out.end());
    library.held_out_bytes += streams.held_out_bytes;
    std::ranges::move(books, std::back_inserter(library.books));
  }
  for (const int64_t id : held_out) {
    if (std::ranges::find(found, id) == found.end()) return Error::not_found("held-out book {} is in no folder", id);
  }
  return library;
}

}  // namespace adder
