#pragma once

#include <cstdint>
#include <span>

#include "run/generate/draft_policy.h"
#include "run/generate/ngram.h"
#include "run/model/forward.h"

namespace adder {

/// The logits of one growing text, asked for a token at a time. How many positions a pass computes is the stream's own
/// affair: when the text repeats itself (NgramIndex) and it pays (DraftPolicy), a pass takes the tokens that are likely
/// to follow along with the one that is known, and as long as the caller's tokens turn out to be those, their logits
/// are there. Else the positions that went too far are cut off again. Since logits depend on the tokens before them
/// alone, the caller gets the same bits either way, and whatever it draws from them is the same.
///
/// Drafts never reach the end of a chunk: a sequence is cut inside its chunk for free, and not at all beyond.
/// The stream leaves the sequence with the text and the tokens given to `next`.
class LogitStream {
 public:
  /// `sequence` has seen `text`. Both references outlive the stream.
  LogitStream(Forward& forward, Sequence& sequence, std::span<const TokenId> text, bool speculate);
  ~LogitStream() { forget_surplus(); }
  LogitStream(const LogitStream&) = delete;
  LogitStream& operator=(const LogitStream&) = delete;

  /// The logits after `token`, the next one of the text; valid until the next call. `most`: no more than this many
  /// calls, this one counted, will be made. Errors of Forward::run, then the stream is over.
  Result<std::span<const float>> next(TokenId token, int64_t most);

  int64_t drafted() const { return drafted_; }    ///< tokens that passes took before they were known
  int64_t accepted() const { return accepted_; }  ///< those that came true

 private:
  Result<std::span<const float>> pass(TokenId token, int64_t most);
  void forget_surplus();
  int64_t rows() const { return static_cast<int64_t>(pass_.size()); }

  Forward& forward_;
  Sequence& sequence_;
  bool speculate_;
  NgramIndex text_;
  DraftPolicy policy_;
  NgramIndex::Proposal proposal_;  // what follows the first token of the pass, verified or not
  std::vector<TokenId> pass_;      // the last pass: a token of the text and its drafts
  std::span<const float> logits_;  // a row for each
  int64_t row_ = 0;                // of the last token given
  int64_t drafted_ = 0, accepted_ = 0;
};

}  // namespace adder
