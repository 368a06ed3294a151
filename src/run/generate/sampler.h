#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/base/result.h"
#include "core/base/rng.h"
#include "run/generate/candidates.h"

namespace adder {

/// How a token is chosen; each comment says what turns the step off.
struct SamplerOptions {
  float temperature = 0.8f;         ///< 0: greedy, everything below but the penalties is ignored
  int top_k = 40;                   ///< 0: off
  float top_p = 0.95f;              ///< 1: off
  float min_p = 0.05f;              ///< 0: off
  float repetition_penalty = 1.0f;  ///< 1: off. logit > 0 ? logit / r : logit * r for tokens seen (arXiv 1909.05858)
  float presence_penalty = 0.0f;    ///< 0: off. subtracted once for tokens seen
  float frequency_penalty = 0.0f;   ///< 0: off. subtracted per occurrence
  int penalty_last_n = 64;          ///< window of the penalties; -1: everything, 0: off
  uint64_t seed = 0;
};

/// kUsage, naming the option, for a value that is out of range or not finite.
Status validate(const SamplerOptions& options);

/// Chooses tokens. The n-th draw depends on (seed, n, logits, history) alone. Ties go to the lower id. A logit of -inf
/// is a token that cannot be chosen. Order: penalties, top-k, top-p, min-p, temperature, draw.
class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options);

  /// Prompt and output tokens count for the penalties.
  void accept(int32_t token);
  /// kCorrupt, naming the first such token, when a logit is NaN or +inf: what such a model says means nothing.
  /// kCorrupt as well when no token can be chosen.
  Result<int32_t> sample(std::span<const float> logits);

 private:
  void penalise(std::span<float> logits) const;
  int32_t draw(std::span<const Candidate> candidates);

  SamplerOptions options_;
  Rng rng_;
  std::deque<int32_t> window_;               ///< the last penalty_last_n tokens; empty when that is everything
  std::unordered_map<int32_t, int> counts_;  ///< how often each token occurs in the window
  std::vector<float> logits_;                ///< scratch
};

/// log softmax(logits)[token], in double.
double log_probability(std::span<const float> logits, int32_t token);

}  // namespace adder
