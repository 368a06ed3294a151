#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "make/eval/row_scores.h"
#include "make/eval/statistics.h"
#include "make/eval/windows.h"

namespace adder {

struct EvalOptions {
  int64_t context = 512;  ///< tokens per window, at least 4
  Windowing windowing = Windowing::kSecondHalf;
  int64_t max_windows = 0;  ///< 0: all
  /// Called after each window with the share that is done; an error (Error::cancelled, say) ends the work.
  std::function<Status(double done)> progress;
  /// `perplexity` calls it with the logits of each counted position; an error ends the work.
  std::function<Status(std::span<const float> logits)> on_logits = {};
};

/// How well a model predicts a text. Errors are standard errors that take positions as independent.
struct PerplexityReport {
  int64_t windows = 0;
  int64_t bytes = 0;  ///< of the scored tokens' text
  Moments nll;        ///< nats per token

  void add(const RowScore& row, int64_t token_bytes);

  double perplexity() const;        ///< exp(mean nll)
  double perplexity_error() const;  ///< to first order
  double bits_per_byte() const;     ///< total nll / (ln 2 x bytes): comparable between tokenizers
  nlohmann::json to_json() const;
  std::string to_text() const;
};

/// Errors: ids outside the vocabulary, a text too short for one window, a context out of range (kUsage), logits that
/// are no numbers (kCorrupt).
Result<PerplexityReport> perplexity(Engine& engine, std::span<const TokenId> text, const EvalOptions& options);

/// The windows of `text` that an evaluation by `options` takes, at least one (kUsage).
Result<std::vector<Window>> evaluation_windows(const Engine& engine, std::span<const TokenId> text,
                                               const EvalOptions& options);

}  // namespace adder
