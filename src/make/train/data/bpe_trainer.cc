#include "make/train/data/bpe_trainer.h"

#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "core/text/byte_alphabet.h"
#include "core/text/pretokenizer.h"

namespace adder {
namespace {

constexpr TokenId kFirstByte = 16;
constexpr TokenId kImStart = 10, kImEnd = 11;

struct Word {
  std::vector<TokenId> symbols;
  int64_t count;
};

using Pair = uint64_t;
Pair pair_of(TokenId left, TokenId right) {
  return static_cast<Pair>(left) << 32 | static_cast<uint32_t>(right);
}
TokenId left_of(Pair pair) {
  return static_cast<TokenId>(pair >> 32);
}
TokenId right_of(Pair pair) {
  return static_cast<TokenId>(pair & 0xFFFFFFFFu);
}

/// Pair counts kept up to date merge by merge, with the words each pair was seen in.
class PairTable {
 public:
  explicit PairTable(std::vector<Word> words) : words_(std::move(words)) {
    for (size_t w = 0; w < words_.size(); ++w) add_pairs(w, +1);
    for (const auto& [pair, count] : counts_) queue_.push({count, pair});
  }

  /// The most frequent pair, and its count; 0 when nothing is left.
  std::pair<Pair, int64_t> best() {
    while (!queue_.empty()) {
      const Entry top = queue_.top();
      const int64_t now = counts_[top.pair];
      if (now == top.count) return {top.pair, now};
      queue_.pop();  // out of date: comes back with what it counts now
      if (now > 0) queue_.push({now, top.pair});
    }
    return {0, 0};
  }

  void merge(Pair pair, TokenId merged) {
    const std::unordered_set<size_t> where = std::move(where_[pair]);
    where_.erase(pair);
    for (const size_t w : where) {
      add_pairs(w, -1);
      std::vector<TokenId>& symbols = words_[w].symbols;
      size_t out = 0;
      for (size_t i = 0; i < symbols.size(); ++i, ++out) {
        const bool here = i + 1 < symbols.size() && pair_of(symbols[i], symbols[i + 1]) == pair;
        symbols[out] = here ? merged : symbols[i];
        if (here) ++i;
      }
      symbols.resize(out);
      add_pairs(w, +1);
      for (size_t i = 0; i + 1 < out; ++i) {
        const Pair seen = pair_of(symbols[i], symbols[i + 1]);
        if (symbols[i] == merged || symbols[i + 1] == merged) queue_.push({counts_[seen], seen});
      }
    }
    counts_.erase(pair);
  }

 private:
  struct Entry {
    int64_t count;
    Pair pair;
    bool operator<(const Entry& other) const { return count != other.count ? count < other.count : pair > other.pair; }
  };

  void add_pairs(size_t w, int64_t sign) {
    const Word& word = words_[w];
    for (size_t i = 0; i + 1 < word.symbols.size(); ++i) {
      const Pair pair = pair_of(word.symbols[i], word.symbols[i + 1]);
      counts_[pair] += sign * word.count;
      if (sign > 0) where_[pair].insert(w);
    }
  }

  std::vector<Word> words_;
  std::unordered_map<Pair, int64_t> counts_;
  std::unordered_map<Pair, std::unordered_set<size_t>> where_;
  std::priority_queue<Entry> queue_;
};

TokenizerData base_vocabulary() {
  TokenizerData data;
  data.pre = kTrainedPre;
  data.ignore_merges = true;  // as the rule has it
  data.tokens = {"<unk>", "<s>", "</s>"};
  while (data.tokens.size() < kFirstByte) data.tokens.push_back(fmt::format("<SPECIAL_{}>", data.tokens.size()));
  data.tokens[kImStart] = "<|im_start|>";
  data.tokens[kImEnd] = "<|im_end|>";
  data.types.assign(kFirstByte, TokenType::kControl);
  data.types[0] = TokenType::kUnknown;
  data.unk = 0;
  data.bos = 1;
  data.eos = 2;
  data.pad = 0;
  data.stop_ids = {2, kImEnd};
  for (int byte = 0; byte < 256; ++byte) data.tokens.emplace_back(byte_letter(static_cast<uint8_t>(byte)));
  return data;
}

}  // namespace

Result<TokenizerData> train_bpe(const WordCounts& words, int64_t vocab_size) {
  TokenizerData data = base_vocabulary();
  if (vocab_size <= std::ssize(data.tokens)) {
    return Error::usage("vocabulary of {}: {} are taken by bytes and control tokens", vocab_size, data.tokens.size());
  }
  std::vector<Word> symbols;
  for (const auto& [text, count] : words) {
    Word word{.symbols = {}, .count = count};
    for (const char byte : text) word.symbols.push_back(kFirstByte + static_cast<unsigned char>(byte));
    symbols.push_back(std::move(word));
  }
  PairTable table(std::move(symbols));
  while (std::ssize(data.tokens) < vocab_size) {
    const auto [pair, count] = table.best();
    if (count < 2) {
      return Error::usage("vocabulary of {}: the text has pairs for {} only", vocab_size, data.tokens.size());
    }
    const std::string& left = data.tokens[static_cast<size_t>(left_of(pair))];
    const std::string& right = data.tokens[static_cast<size_t>(right_of(pair))];
    data.merges.push_back(left + " " + right);
    table.merge(pair, static_cast<TokenId>(data.tokens.size()));
    data.tokens.push_back(left + right);
  }
  data.types.resize(data.tokens.size(), TokenType::kNormal);
  return data;
}

Status count_words(std::string_view text, std::string_view pre, WordCounts& counts) {
  TRY_ASSIGN(const Pretokenizer rule, Pretokenizer::named(pre));
  std::vector<std::string_view> pieces;
  rule.split(text, pieces);
  for (const std::string_view piece : pieces) {
    const auto found = counts.find(piece);
    if (found != counts.end()) {
      ++found->second;
    } else {
      counts.emplace(piece, 1);
    }
  }
  return {};
}

}  // namespace adder
