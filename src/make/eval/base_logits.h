#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "core/base/atomic_file.h"
#include "core/base/mapped_file.h"
#include "make/eval/row_scores.h"
#include "make/eval/windows.h"

namespace adder {

// What a model predicted, kept in a file to compare others with: llama-perplexity's (--kl-divergence-base, written by
// --save-all-logits). Little-endian:
//   8 bytes "_logits_", i32 tokens of a window, i32 vocabulary, i32 windows
//   i32 tokens [windows, window]
//   for each window, for positions window/2 .. window - 2, whose next token is scored, a row:
//     f32 step, f32 least, u16 q[vocabulary], and two bytes more if the vocabulary is odd
//   meaning ln p(v) = least + step q_v. Logits more than 16 below the largest are stored as 16 below.

/// Writes one. The windows are as `Windowing::kSecondHalf` cuts them, all of one length.
class BaseLogitsWriter {
 public:
  /// Errors: windows that do not score their second half (kUsage), those of AtomicFile.
  static Result<BaseLogitsWriter> create(const std::filesystem::path& path, std::span<const Window> windows,
                                         int64_t vocabulary);
  /// The logits of the next scored position.
  Status add(std::span<const float> logits);
  /// The file appears; every position has been added.
  Status finish();

 private:
  explicit BaseLogitsWriter(AtomicFile file) : file_(std::move(file)) {}

  AtomicFile file_;
  std::vector<std::byte> row_;
  int64_t vocabulary_ = 0, rows_left_ = 0;
};

/// Reads one.
class BaseLogits {
 public:
  static bool is_one(const std::filesystem::path& path);
  /// Errors: those of the file; one that is none (kUnsupported); sizes out of range or that do not fit the file's,
  /// tokens outside the vocabulary (kCorrupt).
  static Result<BaseLogits> open(const std::filesystem::path& path);

  int64_t vocabulary() const { return vocabulary_; }
  int64_t window() const { return window_; }  ///< tokens of each
  /// The first token of each becomes `bos`, unless that is negative.
  std::vector<Window> windows(TokenId bos) const;

  /// What the stored row of scored position `i` of window `w` says of a child's logits, as llama-perplexity computes
  /// it: tokens with ln p <= -16, whose number is made up, take no part in the divergence, which may come out slightly
  /// negative. A row whose numbers are not finite gives a divergence that is not.
  RowDivergence compare(int64_t w, int64_t i, std::span<const float> child, TokenId next) const;

 private:
  std::span<const std::byte> row(int64_t w, int64_t i) const;

  MappedFile file_;
  int64_t window_ = 0, vocabulary_ = 0, windows_ = 0;
};

}  // namespace adder
