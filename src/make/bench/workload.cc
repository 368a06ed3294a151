#include "make/bench/workload.h"

#include <algorithm>

#include "core/base/rng.h"

namespace adder {
namespace {

/// Tokens [first, first + n) of one endless random text.
std::vector<TokenId> random_tokens(int64_t first, int64_t n, int64_t vocab_size) {
  Rng rng(1);
  std::vector<TokenId> tokens(static_cast<size_t>(first + n));
  for (TokenId& token : tokens) token = static_cast<TokenId>(rng.below(static_cast<uint64_t>(vocab_size)));
  tokens.erase(tokens.begin(), tokens.begin() + first);
  return tokens;
}

TokenId likeliest(std::span<const float> logits) {
  return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace

Status Workload::tick(int64_t tokens) {
  if (on_tokens_ && !on_tokens_(tokens)) return Error::cancelled("interrupted");
  return {};
}

/// In passes of the engine's size; the likeliest next token.
Result<TokenId> Workload::feed(Sequence& sequence, std::span<const TokenId> tokens) {
  std::span<const float> logits;
  while (!tokens.empty()) {
    const auto piece = tokens.first(std::min(static_cast<size_t>(options_.prefill_tokens), tokens.size()));
    tokens = tokens.subspan(piece.size());
    const Segment segment{&sequence, piece, tokens.empty() ? Want::kLast : Want::kNothing};
    TRY_ASSIGN(logits, forward_.run({&segment, 1}));
    TRY(tick(static_cast<int64_t>(piece.size())));
  }
  return likeliest(logits);
}

Status Workload::read_past(const Case& c) {
  sequences_.clear();
  if (!past_ || past_->position() > c.depth) past_.emplace(config_, options_.kv_type, options_.state_type);
  const int64_t missing = c.depth - past_->position();
  if (missing == 0) return {};
  TRY(feed(*past_, random_tokens(past_->position(), missing, config_.vocab_size)));
  return {};
}

Status Workload::begin(const Case& c) {
  sequences_.clear();
  for (int64_t i = 0; i < c.batch; ++i) {
    TRY_ASSIGN(Sequence fork, past_->fork());
    sequences_.push_back(std::move(fork));
  }
  return {};
}

Status Workload::read_prompts(const Case& c) {
  const std::vector<TokenId> prompt = random_tokens(c.depth, c.prompt, config_.vocab_size);
  next_.clear();
  for (Sequence& sequence : sequences_) {
    TRY_ASSIGN(const TokenId token, feed(sequence, prompt));
    next_.push_back(token);
  }
  return {};
}

Status Workload::generate(const Case& c) {
  const auto vocab_size = static_cast<size_t>(config_.vocab_size);
  std::vector<Segment> batch;
  for (size_t i = 0; i < sequences_.size(); ++i) batch.push_back({&sequences_[i], {&next_[i], 1}, Want::kLast});
  for (int64_t n = 0; n < c.generate; ++n) {
    TRY_ASSIGN(const std::span<const float> logits, forward_.run(batch));
    for (size_t i = 0; i < next_.size(); ++i) next_[i] = likeliest(logits.subspan(i * vocab_size, vocab_size));
    TRY(tick(c.batch));
  }
  return {};
}

}  // namespace adder
