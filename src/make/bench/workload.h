#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "make/bench/cases.h"
#include "run/engine/engine.h"

namespace adder {

/// Hears of every pass how many tokens it took, and returns false to stop (kCancelled).
using OnTokens = std::function<bool(int64_t)>;

/// The model at work on a case: random tokens of its vocabulary (the same ones each time), answered greedily and past
/// any end token. Who times it calls the steps in this order, the last two as often as it likes:
///   read_past(c), then begin(c), read_prompts(c), generate(c).
/// The sequences of a batch share the keys of the past they have in common, and its recurrent state until they have
/// filled a chunk of their own (kChunk tokens).
class Workload {
 public:
  Workload(Forward& forward, const ModelConfig& config, const EngineOptions& options, OnTokens on_tokens)
      : forward_(forward), config_(config), options_(options), on_tokens_(std::move(on_tokens)) {}

  /// Passes of any kind may fail as `Forward::run` does.
  Status read_past(const Case& c);  ///< goes on from the past before, if that was no longer
  Status begin(const Case& c);
  Status read_prompts(const Case& c);
  Status generate(const Case& c);

  /// Tokens that `read_past` will feed, and the other steps together, for a share of the work done.
  static int64_t past_tokens(const Case& c, int64_t depth_before) {
    return c.depth >= depth_before ? c.depth - depth_before : c.depth;
  }
  static int64_t run_tokens(const Case& c) { return c.batch * (c.prompt + c.generate); }

 private:
  Result<TokenId> feed(Sequence& sequence, std::span<const TokenId> tokens);
  Status tick(int64_t tokens);

  Forward& forward_;
  const ModelConfig& config_;
  EngineOptions options_;
  OnTokens on_tokens_;
  std::optional<Sequence> past_;
  std::vector<Sequence> sequences_;
  std::vector<TokenId> next_;  ///< of each sequence
};

}  // namespace adder
