#include "make/train/data/windows.h"

#include <numeric>

#include "core/base/check.h"
#include "core/base/rng.h"

namespace adder {
namespace {

void append_window(const std::vector<TokenId>& stream, TokenId bos, int64_t begin, WindowBatch& batch) {
  const int64_t size = static_cast<int64_t>(stream.size());
  for (int64_t i = begin; i < begin + batch.length; ++i) {
    const bool inside = i < size, has_next = i + 1 < size;
    const TokenId token = inside ? stream[static_cast<size_t>(i)] : bos;
    const TokenId next = has_next ? stream[static_cast<size_t>(i + 1)] : bos;
    batch.tokens.push_back(token);
    batch.targets.push_back(next == bos ? kNoTarget : next);
    batch.n_targets += next != bos;
    batch.starts.push_back(token == bos);
    batch.any_start |= token == bos && i > begin;
  }
  ++batch.rows;
}

}  // namespace

Windows::Windows(std::vector<TokenId> stream, TokenId bos, int64_t length, uint64_t seed)
    : stream_(std::move(stream)),
      bos_(bos),
      length_(length),
      per_epoch_((static_cast<int64_t>(stream_.size()) - length) / length),
      seed_(seed) {
  CHECK(per_epoch_ > 0, "{} tokens for windows of {}", stream_.size(), length);
}

void Windows::begin_epoch(int64_t epoch) {
  epoch_ = epoch;
  Rng rng(seed_, static_cast<uint64_t>(epoch));
  offset_ = static_cast<int64_t>(rng.below(static_cast<uint64_t>(length_)));
  order_.resize(static_cast<size_t>(per_epoch_));
  std::iota(order_.begin(), order_.end(), 0);
  for (size_t i = order_.size() - 1; i > 0; --i) std::swap(order_[i], order_[rng.below(i + 1)]);
}

void Windows::append(int64_t sample, WindowBatch& batch) {
  if (sample / per_epoch_ != epoch_) begin_epoch(sample / per_epoch_);
  append_window(stream_, bos_, offset_ + order_[static_cast<size_t>(sample % per_epoch_)] * length_, batch);
}

WindowBatch Windows::batch(int64_t first, int64_t rows) {
  WindowBatch batch{.length = length_};
  for (int64_t sample = first; sample < first + rows; ++sample) append(sample, batch);
  return batch;
}

int64_t consecutive_count(const std::vector<TokenId>& stream, int64_t length) {
  return (static_cast<int64_t>(stream.size()) - 1 + length - 1) / length;
}

void append_consecutive_window(const std::vector<TokenId>& stream, TokenId bos, int64_t i, WindowBatch& batch) {
  append_window(stream, bos, i * batch.length, batch);
}

}  // namespace adder
