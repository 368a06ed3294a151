#pragma once

#include <array>
#include <cstdint>

namespace adder {

/// Decides how many drafted tokens a pass verifies along with the token it must compute anyway, so that drafts save
/// time or are left alone. It learns from the answer it serves:
///
///   share(m)   how often the draft after an agreement of m tokens was right. Drafts that are not verified are judged
///              too, which costs nothing, so it finds out when drafting begins to pay without trying it.
///   cost(n)    time of a pass over n tokens, in passes over one: a line through the passes seen, old ones fading.
///
/// A pass with k drafts brings 1 + sum_i prod_j<=i share(m + j) tokens for cost(k + 1); the best k is taken. What a
/// pass can lose is staked: the savings so far, kTolerance of the time so far and kCredit passes. So whatever the text,
/// an answer takes at most 1 + kTolerance times as long as without drafts, and kCredit passes, by its own measure.
class DraftPolicy {
 public:
  static constexpr int64_t kMost = 15;  ///< drafts in a pass
  static constexpr double kTolerance = 0.02;
  static constexpr double kCredit = 2;

  DraftPolicy();

  /// Of at most `most` drafts after an agreement of `match` tokens, how many to verify.
  int64_t choose(int64_t match, int64_t most) const;

  /// A pass over n tokens took so long. `typical` is false if it also did what only some passes do.
  void pass(int64_t n, double seconds, bool typical);
  /// The draft after an agreement of `match` tokens was right or wrong; `verified`: its logits are there if right.
  void judge(int64_t match, bool right, bool verified);

 private:
  static constexpr int64_t kClasses = 9;  // agreements of 8 and more tokens are one
  struct Share {
    double value = 0.3;  // until seen otherwise: a draft must have been right before one is tried
    int seen = 0;
  };
  /// Faded sums of a fit r = a + b n.
  struct Line {
    double w = 0, n = 0, nn = 0, r = 0, nr = 0;
    void add(double tokens, double cost, double weight);
  };

  double share(int64_t match) const;
  double cost(int64_t n) const;

  std::array<Share, kClasses> shares_;
  Line line_;
  double single_ = 0;   // seconds of a pass over one token; 0: none seen
  double time_ = 0;     // seconds of all passes
  double balance_ = 0;  // seconds saved
};

}  // namespace adder
