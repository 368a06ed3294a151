#include "run/generate/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/base/check.h"

namespace adder {
namespace {

constexpr float kMax = std::numeric_limits<float>::max();
constexpr float kImpossible = -std::numeric_limits<float>::infinity();

Status check_logits(std::span<const float> logits) {
  const auto is_bad = [](float logit) { return !(logit <= kMax); };  // NaN or +inf
  const auto bad = std::ranges::find_if(logits, is_bad);
  if (bad != logits.end())
    return Error::corrupt("the model gives token {} the logit {} ({} of {} logits are NaN or infinite)",
                          bad - logits.begin(), *bad, std::ranges::count_if(logits, is_bad), logits.size());
  return {};
}

}  // namespace

Status validate(const SamplerOptions& o) {
  const auto in = [](float value, float low, float high) { return value >= low && value <= high; };
  if (!in(o.temperature, 0, kMax)) return Error::usage("temperature {} is not a number from 0 up", o.temperature);
  if (o.top_k < 0) return Error::usage("top-k {} is below 0", o.top_k);
  if (!in(o.top_p, 0, 1)) return Error::usage("top-p {} is not between 0 and 1", o.top_p);
  if (!in(o.min_p, 0, 1)) return Error::usage("min-p {} is not between 0 and 1", o.min_p);
  if (!in(o.repetition_penalty, std::numeric_limits<float>::min(), kMax))
    return Error::usage("repetition penalty {} is not a positive number", o.repetition_penalty);
  if (!in(o.presence_penalty, -kMax, kMax))
    return Error::usage("presence penalty {} is not a finite number", o.presence_penalty);
  if (!in(o.frequency_penalty, -kMax, kMax))
    return Error::usage("frequency penalty {} is not a finite number", o.frequency_penalty);
  if (o.penalty_last_n < -1) return Error::usage("penalty window {} is below -1", o.penalty_last_n);
  return {};
}

Sampler::Sampler(const SamplerOptions& options) : options_(options), rng_(options.seed) {}

void Sampler::accept(int32_t token) {
  if (options_.penalty_last_n == 0) return;
  ++counts_[token];
  if (options_.penalty_last_n < 0) return;
  window_.push_back(token);
  if (window_.size() > static_cast<size_t>(options_.penalty_last_n)) {
    if (const auto oldest = counts_.find(window_.front()); --oldest->second == 0) counts_.erase(oldest);
    window_.pop_front();
  }
}

Result<int32_t> Sampler::sample(std::span<const float> logits) {
  CHECK(!logits.empty());
  TRY(check_logits(logits));
  logits_.assign(logits.begin(), logits.end());
  penalise(logits_);

  const auto likeliest = std::max_element(logits_.begin(), logits_.end());
  if (*likeliest == kImpossible) return Error::corrupt("all {} logits are -inf, no token can be chosen", logits.size());
  if (options_.temperature == 0) return static_cast<int32_t>(likeliest - logits_.begin());

  std::vector<Candidate> candidates = top_k(logits_, options_.top_k);
  if (options_.top_p < 1) keep_top_p(candidates, options_.top_p);
  if (options_.min_p > 0) keep_min_p(candidates, options_.min_p);
  return draw(candidates);
}

void Sampler::penalise(std::span<float> logits) const {
  for (const auto& [id, count] : counts_) {
    if (id < 0 || static_cast<size_t>(id) >= logits.size()) continue;
    float& logit = logits[static_cast<size_t>(id)];
    logit = logit > 0 ? logit / options_.repetition_penalty : logit * options_.repetition_penalty;
    logit -= options_.presence_penalty + options_.frequency_penalty * static_cast<float>(count);
    logit = std::isnan(logit) ? kImpossible : std::min(logit, kMax);  // penalties may leave the range of float
  }
}

int32_t Sampler::draw(std::span<const Candidate> candidates) {
  const std::vector<double> w = weights(candidates, static_cast<double>(options_.temperature));
  double left = rng_.uniform_double() * std::accumulate(w.begin(), w.end(), 0.0);
  int32_t last = candidates.front().id;
  for (size_t i = 0; i < w.size(); ++i) {
    if (w[i] == 0) continue;
    last = candidates[i].id;
    left -= w[i];
    if (left < 0) break;
  }
  return last;  // the last one possible when rounding leaves a remainder
}

double log_probability(std::span<const float> logits, int32_t token) {
  CHECK(token >= 0 && static_cast<size_t>(token) < logits.size(), "{}", token);
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  return static_cast<double>(logits[static_cast<size_t>(token)]) - largest - std::log(sum);
}

}  // namespace adder
