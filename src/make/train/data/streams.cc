#include "make/train/data/streams.h"

#include <cstring>

#include "core/base/atomic_file.h"
#include "core/base/hash.h"
#include "core/formats/json.h"
#include "core/text/tokenizer_io.h"
#include "make/train/data/bpe_trainer.h"

namespace adder {
namespace {

/// What the cached tokens depend on.
std::string fingerprint(const std::vector<Book>& books, const Tokenizer& tokenizer) {
  Hash128 hash;
  const auto add = [&](std::string_view text) {
    hash.update(std::as_bytes(std::span(text)));
    hash.update(std::as_bytes(std::span(std::string_view("\0", 1))));
  };
  const TokenizerData& data = tokenizer.data();
  for (const std::string& token : data.tokens) add(token);
  for (const std::string& merge : data.merges) add(merge);
  add(data.pre);
  for (const Book& book : books) add(fmt::format("{} {}", book.hash, book.held_out));
  return hash.hex();
}

// The cache: 32 hex digits, the lengths of both streams as int64, the tokens as int32.
struct CacheHeader {
  char key[32];
  int64_t train, held_out;
};

bool read_cache(const std::filesystem::path& path, std::string_view key, Streams& streams) {
  const auto bytes = read_file(path, size_t{1} << 36);
  CacheHeader header;
  if (!bytes || bytes->size() < sizeof header) return false;
  std::memcpy(&header, bytes->data(), sizeof header);
  const auto count = static_cast<int64_t>((bytes->size() - sizeof header) / sizeof(TokenId));
  if (std::string_view(header.key, sizeof header.key) != key || header.train < 0 || header.train > count ||
      header.held_out != count - header.train) {
    return false;
  }
  const char* tokens = bytes->data() + sizeof header;
  const auto take = [&](std::vector<TokenId>& into, int64_t n) {
    into.resize(static_cast<size_t>(n));
    std::memcpy(into.data(), tokens, into.size() * sizeof(TokenId));
    tokens += into.size() * sizeof(TokenId);
  };
  take(streams.train, header.train);
  take(streams.held_out, header.held_out);
  return true;
}

Status write_cache(const std::filesystem::path& path, std::string_view key, const Streams& streams) {
  CacheHeader header{.key = {}, .train = std::ssize(streams.train), .held_out = std::ssize(streams.held_out)};
  std::memcpy(header.key, key.data(), sizeof header.key);
  TRY_ASSIGN(AtomicFile file, AtomicFile::create(path));
  TRY(file.write(std::as_bytes(std::span(&header, 1))));
  TRY(file.write(std::as_bytes(std::span(streams.train))));
  TRY(file.write(std::as_bytes(std::span(streams.held_out))));
  return file.commit();
}

}  // namespace

Result<Streams> tokenize_corpus(const std::vector<Book>& books, const Tokenizer& tokenizer,
                                const std::filesystem::path& cache) {
  Streams streams;
  for (const Book& book : books) {
    if (!book.held_out) continue;
    for (const std::string& document : book.documents) streams.held_out_bytes += std::ssize(document);
  }
  const std::string key = fingerprint(books, tokenizer);
  if (read_cache(cache, key, streams)) return streams;
  for (const Book& book : books) {
    std::vector<TokenId>& stream = book.held_out ? streams.held_out : streams.train;
    for (const std::string& document : book.documents) {
      stream.push_back(tokenizer.data().bos);
      const std::vector<TokenId> ids = tokenizer.encode(document, {.add_bos = false});
      stream.insert(stream.end(), ids.begin(), ids.end());
      stream.push_back(tokenizer.data().eos);
    }
  }
  TRY(write_cache(cache, key, streams));
  return streams;
}

Result<Tokenizer> tokenizer_for(const std::vector<Book>& books, int64_t vocab_size,
                                const std::filesystem::path& directory) {
  const auto tokenizer_path = directory / "tokenizer.json", config_path = directory / "tokenizer_config.json",
             generation_path = directory / "generation_config.json";
  if (!std::filesystem::exists(tokenizer_path)) {
    WordCounts words;
    for (const Book& book : books) {
      if (book.held_out) continue;
      for (const std::string& document : book.documents) TRY(count_words(document, kTrainedPre, words));
    }
    TRY_ASSIGN(TokenizerData data, train_bpe(words, vocab_size));
    TRY_ASSIGN(const nlohmann::json json, to_tokenizer_json(data));
    TRY(write_file(config_path, to_tokenizer_config_json(data).dump(1)));
    TRY(write_file(generation_path, to_generation_config_json(data).dump(1)));
    TRY(write_file(tokenizer_path, json.dump(1)));
    return Tokenizer::from_data(std::move(data));
  }
  TRY_ASSIGN(const nlohmann::json json, read_json(tokenizer_path));
  TRY_ASSIGN(const nlohmann::json config, read_json(config_path));
  TRY_ASSIGN(const nlohmann::json generation, read_json(generation_path));
  TRY_ASSIGN(TokenizerData data, tokenizer_from_json(json, config, generation));
  if (std::ssize(data.tokens) != vocab_size || data.bos < 0 || data.eos < 0) {
    return Error::corrupt("{}: {} tokens, begin {} and end {}; expected {} tokens and both ids", directory.string(),
                          data.tokens.size(), data.bos, data.eos, vocab_size);
  }
  return Tokenizer::from_data(std::move(data));
}

}  // namespace adder
