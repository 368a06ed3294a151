#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/base/threads.h"
#include "core/text/tokenizer.h"
#include "run/model/model.h"
#include "run/state/sequence.h"

namespace adder {

enum class Want { kNothing, kLast, kAll };  ///< which positions' logits

/// New tokens of one sequence, at least one. Segments of one batch belong to different sequences.
struct Segment {
  Sequence* sequence;
  std::span<const TokenId> tokens;
  Want want = Want::kLast;
};

/// What a matrix product was given: its weight as bound, and x [n, row length], before anything is rounded.
using OnLinear = std::function<void(const BoundTensor& weight, const float* x, int64_t n)>;

/// The hot loop: advances every segment's sequence by its tokens and returns the logits asked for, [rows, vocab_size]
/// f32, segments in order. The logits of a token depend on the tokens before it in its sequence and on nothing else, to
/// the bit: not on how the prompt was cut into calls, who shares the batch, or how many threads there are.
///
/// Errors, with nothing advanced: an id outside the vocabulary, an empty segment, a sequence twice (kUsage), memory for
/// pages or activations (kTooLarge), a NaN or Inf in a row of the embedding (kCorrupt).
class Forward {
 public:
  Forward(std::shared_ptr<const Model> model, ThreadPool& pool);
  ~Forward();

  Result<std::span<const float>> run(std::span<const Segment> batch);  ///< valid until the next run

  /// From now on `tap` sees the input of every matrix product, on the thread that called `run`. Empty: nobody looks.
  void observe(OnLinear tap) { tap_ = std::move(tap); }

 private:
  Status check(std::span<const Segment> batch) const;
  Result<std::span<const float>> pass(std::span<const Segment> batch);

  std::shared_ptr<const Model> model_;
  ThreadPool& pool_;
  OnLinear tap_;
  struct Activations;
  std::unique_ptr<Activations> activations_;
};

}  // namespace adder
