#include "run/generate/ngram.h"

#include <algorithm>

namespace adder {

void NgramIndex::push(int32_t token) {
  const auto end = static_cast<int32_t>(tokens_.size());
  tokens_.push_back(token);
  older_.push_back(-1);
  if (end == 0) return;
  const auto before = static_cast<uint32_t>(tokens_[static_cast<size_t>(end) - 1]);
  const uint64_t pair = uint64_t{before} << 32 | static_cast<uint32_t>(token);
  const auto [place, is_new] = newest_.try_emplace(pair, end);
  if (is_new) return;
  older_.back() = place->second;
  place->second = end;
}

/// How many tokens up to and with `end` are those at the end of the text.
int64_t NgramIndex::agreement(int64_t end) const {
  const int32_t* const there = tokens_.data() + end;
  const int32_t* const here = tokens_.data() + tokens_.size() - 1;
  const int64_t most = std::min(kLongest, end + 1);
  int64_t n = 0;
  while (n < most && there[-n] == here[-n]) ++n;
  return n;
}

NgramIndex::Proposal NgramIndex::propose(int64_t n) const {
  Proposal best;
  if (tokens_.empty()) return best;
  int64_t best_end = 0;
  int64_t end = older_.back();
  for (int64_t place = 0; place < kPlaces && end >= 0 && best.match < kLongest; ++place) {
    if (const int64_t match = agreement(end); match > best.match) {
      best.match = match;
      best_end = end;
    }
    end = older_[static_cast<size_t>(end)];
  }
  if (best.match == 0) return best;

  const auto period = static_cast<int64_t>(tokens_.size()) - 1 - best_end;
  for (int64_t i = 0; i < n; ++i) best.tokens.push_back(tokens_[static_cast<size_t>(best_end + 1 + i % period)]);
  return best;
}

}  // namespace adder
