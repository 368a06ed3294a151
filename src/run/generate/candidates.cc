#include "run/generate/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace adder {
namespace {

double largest_logit(std::span<const Candidate> candidates) {
  float largest = -std::numeric_limits<float>::infinity();
  for (const Candidate& c : candidates) largest = std::max(largest, c.logit);
  return largest;
}

}  // namespace

std::vector<Candidate> top_k(std::span<const float> logits, int k) {
  const size_t n = logits.size();
  const size_t wanted = k == 0 ? n : std::min(n, static_cast<size_t>(k));
  std::vector<Candidate> best;
  if (wanted == n) {
    for (size_t i = 0; i < n; ++i) best.push_back({logits[i], static_cast<int32_t>(i)});
    if (k != 0) std::sort(best.begin(), best.end(), likelier);
    return best;
  }
  // A buffer of twice the size asked for: when full, its better half stays and sets the bar for what may enter.
  const auto halve = [&] {
    std::nth_element(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(wanted - 1), best.end(), likelier);
    best.resize(wanted);
  };
  best.reserve(2 * wanted);
  Candidate bar{};
  bool has_bar = false;
  for (size_t i = 0; i < n; ++i) {
    const Candidate candidate{logits[i], static_cast<int32_t>(i)};
    if (has_bar && !likelier(candidate, bar)) continue;
    best.push_back(candidate);
    if (best.size() == 2 * wanted) {
      halve();
      bar = best.back();
      has_bar = true;
    }
  }
  if (best.size() > wanted) halve();
  std::sort(best.begin(), best.end(), likelier);
  return best;
}

void keep_top_p(std::vector<Candidate>& candidates, float p) {
  const std::vector<double> w = weights(candidates, 1.0);
  const double enough = static_cast<double>(p) * std::accumulate(w.begin(), w.end(), 0.0);
  const double largest = largest_logit(candidates);
  // The set is nearly always small against the vocabulary: sort a prefix, and a longer one if it does not hold enough.
  size_t sorted = 0, kept = 0;
  double sum = 0;
  while (kept < candidates.size() && (kept == 0 || sum < enough)) {
    if (kept == sorted) {
      const size_t more = std::min(candidates.size(), std::max<size_t>(256, 8 * sorted));
      std::partial_sort(candidates.begin() + static_cast<std::ptrdiff_t>(sorted),
                        candidates.begin() + static_cast<std::ptrdiff_t>(more), candidates.end(), likelier);
      sorted = more;
    }
    sum += std::exp(static_cast<double>(candidates[kept++].logit) - largest);
  }
  candidates.resize(kept);
}

void keep_min_p(std::vector<Candidate>& candidates, float p) {
  const std::vector<double> w = weights(candidates, 1.0);
  size_t kept = 0;
  for (size_t i = 0; i < candidates.size(); ++i)
    if (w[i] >= static_cast<double>(p)) candidates[kept++] = candidates[i];
  candidates.resize(kept);
}

std::vector<double> weights(std::span<const Candidate> candidates, double temperature) {
  const double largest = largest_logit(candidates);
  std::vector<double> w;
  w.reserve(candidates.size());
  for (const Candidate& c : candidates) w.push_back(std::exp((static_cast<double>(c.logit) - largest) / temperature));
  return w;
}

}  // namespace adder
