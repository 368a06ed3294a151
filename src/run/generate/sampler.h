#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/base/rng.h"

namespace adder {

/// How a token is chosen. Defaults are greedy-free "as llama.cpp users expect"; each comment says what turns it off.
struct SamplerOptions {
  float temperature = 0.8f;        ///< 0: greedy, everything below but the penalties is ignored
  int top_k = 40;                  ///< 0: off
  float top_p = 0.95f;             ///< 1: off
  float min_p = 0.05f;             ///< 0: off
  float repetition_penalty = 1.0f; ///< 1: off. logit > 0 ? logit / r : logit * r for tokens seen (arXiv 1909.05858)
  float presence_penalty = 0.0f;   ///< 0: off. subtracted once for tokens seen
  float frequency_penalty = 0.0f;  ///< 0: off. subtracted per occurrence
  int penalty_last_n = 64;         ///< window of the penalties; -1: everything, 0: off
  uint64_t seed = 0;
};

Status validate(const SamplerOptions& options);

/// Chooses tokens. The n-th draw depends on (seed, n, logits, history) alone. Ties go to the lower id.
/// Order: penalties, top-k, top-p, min-p, temperature, draw.
class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options);

  /// Prompt and output tokens count for the penalties.
  void accept(int32_t token);
  int32_t sample(std::span<const float> logits);

 private:
  SamplerOptions options_;
  Rng rng_;
  std::vector<int32_t> history_;
};

/// log softmax(logits)[token], in double.
double log_probability(std::span<const float> logits, int32_t token);

}  // namespace adder
