#pragma once

#include <cstdint>
#include <vector>

#include "core/text/tokenizer.h"

namespace adder {

/// A batch of windows cut from the stream of documents, row-major [rows, length].
struct WindowBatch {
  int64_t rows = 0, length = 0;
  std::vector<int64_t> tokens, targets;  ///< target[i] follows token[i]; kNoTarget where that starts another document
  std::vector<uint8_t> starts;           ///< 1 at the first token of a document
  bool any_start = false;                ///< some start lies after position 0
  int64_t n_targets = 0;
};
inline constexpr int64_t kNoTarget = -100;

/// Shuffled windows of `length` + 1 tokens, a function of (seed, sample number) alone: a resumed run sees what an
/// uninterrupted one would. Each epoch cuts the stream at another offset and visits every window once.
class Windows {
 public:
  /// `stream` holds documents one after another, each beginning with `bos`. It must hold two windows.
  Windows(std::vector<TokenId> stream, TokenId bos, int64_t length, uint64_t seed);

  /// Samples number first .. first + rows - 1.
  WindowBatch batch(int64_t first, int64_t rows);
  /// Adds one sample to a batch of this length.
  void append(int64_t sample, WindowBatch& batch);

  int64_t length() const { return length_; }
  int64_t per_epoch() const { return per_epoch_; }
  int64_t stream_tokens() const { return static_cast<int64_t>(stream_.size()); }

 private:
  void begin_epoch(int64_t epoch);

  std::vector<TokenId> stream_;
  TokenId bos_;
  int64_t length_, per_epoch_;
  uint64_t seed_;
  int64_t epoch_ = -1, offset_ = 0;
  std::vector<int64_t> order_;
};

/// The stream in order, for validation: window i predicts tokens i*length+1 .. (i+1)*length, so that every token but
/// the first is predicted once. The last window may be padded with kNoTarget.
int64_t consecutive_count(const std::vector<TokenId>& stream, int64_t length);
void append_consecutive_window(const std::vector<TokenId>& stream, TokenId bos, int64_t i, WindowBatch& batch);

}  // namespace adder
