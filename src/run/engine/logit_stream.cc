#include "run/engine/logit_stream.h"

#include <algorithm>
#include <chrono>

#include "core/base/check.h"

namespace adder {

LogitStream::LogitStream(Forward& forward, Sequence& sequence, std::span<const TokenId> text, bool speculate)
    : forward_(forward), sequence_(sequence), speculate_(speculate) {
  if (speculate_) text_.push(text);
}

Result<std::span<const float>> LogitStream::next(TokenId token, int64_t most) {
  if (speculate_) text_.push(token);
  const auto width = logits_.size() / std::max<size_t>(1, pass_.size());
  if (const auto at = static_cast<size_t>(row_); at < proposal_.tokens.size()) {
    const bool right = proposal_.tokens[at] == token;
    const bool verified = row_ + 1 < rows();
    policy_.judge(proposal_.match + row_, right, verified);
    if (right && verified) {
      ++accepted_;
      ++row_;
      return logits_.subspan(static_cast<size_t>(row_) * width, width);
    }
  }
  forget_surplus();
  return pass(token, most);
}

Result<std::span<const float>> LogitStream::pass(TokenId token, int64_t most) {
  const int64_t in_chunk = sequence_.position() - sequence_.cut_floor();
  const int64_t room = std::min(most - 1, kChunk - 2 - in_chunk);
  pass_.assign(1, token);
  if (speculate_) {
    proposal_ = text_.propose(DraftPolicy::kMost);
    const int64_t n = policy_.choose(proposal_.match, room);
    pass_.insert(pass_.end(), proposal_.tokens.begin(), proposal_.tokens.begin() + n);
    drafted_ += n;
  }
  row_ = 0;

  const auto start = std::chrono::steady_clock::now();
  const Segment segment{&sequence_, pass_, Want::kAll};
  const Result<std::span<const float>> logits = forward_.run({&segment, 1});
  if (!logits) {
    pass_.clear();  // the sequence has not seen it
    return logits;
  }
  logits_ = *logits;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  policy_.pass(rows(), took.count(), in_chunk + 1 < kChunk);  // the last position of a chunk also moves the state
  return logits_.first(logits_.size() / pass_.size());
}

void LogitStream::forget_surplus() {
  const int64_t surplus = std::max<int64_t>(0, rows() - 1 - row_);
  if (surplus == 0) return;
  const Status cut = sequence_.cut(sequence_.position() - surplus);
  CHECK(cut.has_value(), "{}", cut.error().message());
  pass_.resize(static_cast<size_t>(row_) + 1);
}

}  // namespace adder
