#pragma once

#include <optional>
#include <vector>

#include "make/eval/base_logits.h"
#include "make/eval/perplexity.h"

namespace adder {

/// How far a child (quantised, pruned, distilled) has moved from its parent, in the numbers of llama.cpp's
/// --kl-divergence: per position, with P the parent's and Q the child's distribution, KL(P || Q), the change of the
/// true token's probability, and whether both rank the same token first.
class DivergenceReport {
 public:
  void add(const RowDivergence& row, int64_t token_bytes);
  void end_window();
  int64_t windows() const { return windows_; }

  PerplexityReport parent() const;
  PerplexityReport child() const;
  const Moments& kl() const { return kl_; }
  const Moments& delta_p() const { return delta_p_; }
  /// ln(PPL child / PPL parent), its standard error from the paired positions.
  double log_ratio() const { return nll_.difference().mean(); }
  double log_ratio_error() const { return nll_.difference().standard_error(); }
  double correlation() const { return nll_.correlation(); }  ///< of the two nll
  double perplexity_difference() const { return child().perplexity() - parent().perplexity(); }
  double perplexity_difference_error() const;  ///< to first order, the two as correlated as they are
  double rms_delta_p() const;
  double rms_delta_p_error() const;  ///< to first order
  double same_top() const;           ///< share of positions
  double same_top_error() const;     ///< binomial
  /// Share of positions at which the most likely token came: x the parent's, y the child's.
  const PairMoments& accuracy() const { return right_; }
  double accuracy_ratio() const;        ///< the child's over the parent's; 0 where that is 0
  double accuracy_ratio_error() const;  ///< to first order, from the paired positions
  /// 95 % interval of that ratio over windows, for a text is harder in one place than in another and its positions are
  /// not independent. With p and c the right answers of both in a window, R = sum c / sum p and n windows (Cochran,
  /// Sampling Techniques, 6.4):  R -+ t sqrt(sum (c - R p)^2 / (n (n - 1))) / mean p, t Student's with n - 1 degrees.
  /// None for fewer than two windows or a parent that is never right.
  struct Interval {
    double low, high;
  };
  std::optional<Interval> accuracy_ratio_interval() const;

  nlohmann::json to_json() const;
  std::string to_text() const;

 private:
  int64_t windows_ = 0, bytes_ = 0, same_top_ = 0;
  PairMoments nll_, right_;                               ///< parent, child
  PairMoments right_in_windows_;                          ///< right answers of each window
  int64_t parent_right_here_ = 0, child_right_here_ = 0;  ///< of the window that is being added
  Moments kl_, delta_p_, squared_delta_p_;
  std::vector<double> kl_values_, delta_p_values_;
};

/// Runs both models over the same windows. Errors: vocabularies that are not the same (kUsage), and those of
/// `perplexity`.
Result<DivergenceReport> divergence(Engine& parent, Engine& child, std::span<const TokenId> text,
                                    const EvalOptions& options);

/// The same with a parent whose predictions are in a file, on its windows; of `options` only max_windows and progress
/// count.
Result<DivergenceReport> divergence(const BaseLogits& parent, Engine& child, const EvalOptions& options);

}  // namespace adder
