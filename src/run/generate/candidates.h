#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace adder {

/// A token that may still be chosen.
struct Candidate {
  float logit;
  int32_t id;
};

/// Likelier first; the lower id where logits are equal.
inline bool likelier(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

/// The k likeliest tokens, likeliest first; all of them, in order of id, when k is 0. One pass over the vocabulary.
/// No logit may be NaN, here and below; -inf is a token that cannot be chosen, and one at least must be above it.
std::vector<Candidate> top_k(std::span<const float> logits, int k);

/// Keeps the smallest set of likeliest tokens whose probability (softmax over the candidates) is at least p, at least
/// one, likeliest first (arXiv 1904.09751).
void keep_top_p(std::vector<Candidate>& candidates, float p);

/// Keeps tokens at least `p` times as probable as the likeliest (arXiv 2407.01082), in the order they had.
void keep_min_p(std::vector<Candidate>& candidates, float p);

/// exp((logit - largest logit) / temperature) of every candidate.
std::vector<double> weights(std::span<const Candidate> candidates, double temperature);

}  // namespace adder
