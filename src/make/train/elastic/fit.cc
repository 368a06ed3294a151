#include "make/train/elastic/fit.h"

#include <algorithm>

namespace adder {
namespace {

/// Choices for all slots of one axis, and what they score together.
struct Variant {
  std::vector<int64_t> chosen;
  double score = 0;
};

std::vector<Variant> variants_of(const torch::Tensor& scores) {
  const torch::Tensor z = scores.detach().to(torch::kCPU, torch::kFloat64);
  const int64_t slots = z.size(0), choices = z.size(1);
  const torch::Tensor best = z.argmax(1);
  std::vector<Variant> variants;
  for (int64_t shift = 1 - choices; shift < choices; ++shift) {
    Variant variant;
    for (int64_t slot = 0; slot < slots; ++slot) {
      const int64_t choice = std::clamp<int64_t>(best[slot].item<int64_t>() + shift, 0, choices - 1);
      variant.chosen.push_back(choice);
      variant.score += z[slot][choice].item<double>();
    }
    if (variants.empty() || variants.back().chosen != variant.chosen) variants.push_back(std::move(variant));
  }
  return variants;
}

struct Candidate {
  Decision decision;
  double score = 0, cost = 0;
};

std::vector<Candidate> candidates_of(const ChoiceWeights& scores) {
  std::vector<Candidate> candidates(1);
  for (size_t axis = 0; axis < kRouterAxes; ++axis) {
    std::vector<Candidate> longer;
    const std::vector<Variant> variants = variants_of(scores[axis]);
    for (const Candidate& candidate : candidates) {
      for (const Variant& variant : variants) {
        longer.push_back(candidate);
        longer.back().decision[axis] = variant.chosen;
        longer.back().score += variant.score;
      }
    }
    candidates = std::move(longer);
  }
  return candidates;
}

}  // namespace

Decision fit(const SearchSpace& space, const ChoiceWeights& scores, const std::function<double(const Decision&)>& cost,
             double most) {
  std::vector<Candidate> candidates = candidates_of(scores);
  std::ranges::stable_sort(candidates, std::ranges::greater(), &Candidate::score);
  std::vector<Candidate> affordable;  // the likeliest first
  constexpr double kWindow = 0.01;
  for (Candidate& candidate : candidates) {
    candidate.cost = cost(candidate.decision);
    if (candidate.cost > most) continue;
    if (candidate.cost >= most * (1 - kWindow)) return candidate.decision;
    affordable.push_back(std::move(candidate));
  }
  if (affordable.empty()) return smallest(space);
  for (double slack = 2 * kWindow;; slack *= 2) {
    const auto found =
        std::ranges::find_if(affordable, [&](const Candidate& c) { return c.cost >= most * (1 - slack); });
    if (found != affordable.end()) return found->decision;
  }
}

}  // namespace adder
