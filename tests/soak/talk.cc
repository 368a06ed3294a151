#include "tests/soak/talk.h"

#include <algorithm>

namespace adder {
namespace {

constexpr size_t kLongest = 500;

GenerateRequest random_request(Rng& rng, const std::vector<TokenId>& prompt) {
  GenerateRequest request;
  request.prompt = prompt;
  request.max_tokens = static_cast<int64_t>(rng.below(100));
  request.ignore_eos = rng.below(2) == 0;
  if (rng.below(4) == 0) request.stop = {"the", ". "};
  request.sampling.temperature = rng.below(2) == 0 ? 0 : rng.uniform();
  request.sampling.top_k = rng.below(2) == 0 ? 0 : 40;
  request.sampling.repetition_penalty = rng.below(4) == 0 ? 1.1f : 1.0f;
  request.sampling.seed = rng.next_u64();
  return request;
}

}  // namespace

Status Talk::round(Rng& rng) {
  next_prompt(rng);
  GenerateRequest request = random_request(rng, prompt_);
  if (rng.below(4) == 0) TRY(break_off(rng, request));
  const uint64_t patience = rng.below(4) == 0 ? rng.below(30) : 1000;  // tokens' worth of text, then cancelled

  const auto ask = [&](Engine& engine) -> Result<GenerateResult> {
    size_t left = patience + 1;
    return engine.generate(request, [&](std::string_view piece) { return piece.empty() || --left > 0; });
  };
  TRY_ASSIGN(GenerateResult quick, ask(quick_));
  request.speculate = false;
  TRY_ASSIGN(const GenerateResult plain, ask(plain_));
  if (quick.tokens != plain.tokens || quick.text != plain.text || quick.reason != plain.reason)
    return Error::corrupt("a prompt of {} tokens, {} reused, {} drafted: another answer than a fresh one",
                          prompt_.size(), quick.reused_tokens, quick.drafted);
  answer_ = std::move(quick.tokens);
  return {};
}

/// Somebody asks and goes away, often before the prompt has been read. What that leaves behind must not show.
Status Talk::break_off(Rng& rng, const GenerateRequest& request) {
  uint64_t left = 1 + rng.below(4);  // passes
  TRY(quick_.generate(request, [&](std::string_view) { return --left > 0; }));
  return {};
}

void Talk::next_prompt(Rng& rng) {
  const auto random_tokens = [&](uint64_t n) {
    for (uint64_t i = 0; i < n; ++i)
      prompt_.push_back(static_cast<TokenId>(rng.below(static_cast<uint64_t>(plain_.tokenizer().vocab_size()))));
  };
  switch (rng.below(5)) {
    case 0:  // the same again
      break;
    case 1:  // a reply
      prompt_.insert(prompt_.end(), answer_.begin(), answer_.end());
      random_tokens(1 + rng.below(20));
      break;
    case 2:  // an edit
      prompt_.resize(rng.below(prompt_.size() + 1));
      random_tokens(1 + rng.below(100));
      break;
    case 3:  // shortened
      prompt_.resize(rng.below(prompt_.size() + 1));
      break;
    case 4:  // something else
      prompt_.clear();
      random_tokens(1 + rng.below(300));
      break;
  }
  if (prompt_.size() > kLongest) prompt_.resize(kLongest);
  if (prompt_.empty()) random_tokens(1);
}

}  // namespace adder
