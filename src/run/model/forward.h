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

/// What a matrix product was given: its weight as bound, and x [n, row length], before anything is rounded. Or what
/// came out: y [n, rows].
using OnLinear = std::function<void(const BoundTensor& weight, const float* x, int64_t n)>;

/// The residual stream h [n, H] in front of a layer; behind the last one, under the number of layers.
using OnStream = std::function<void(int layer, const float* h, int64_t n)>;

/// Who looks on, on the thread that called `run`; empty where nobody does.
struct Observers {
  OnLinear input;
  OnLinear result;
  OnStream stream;
};

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

  /// From now on these look on; {} for nobody.
  void observe(Observers observers) { observers_ = std::move(observers); }

  /// From now on these layers pass on what they are given, as if their branch of the residual were zero. One entry per
  /// layer, or none for a whole model. A sequence goes on only under the set it began with.
  void bypass(std::vector<bool> layers);

 private:
  Status check(std::span<const Segment> batch) const;
  Result<std::span<const float>> pass(std::span<const Segment> batch);

  std::shared_ptr<const Model> model_;
  ThreadPool& pool_;
  Observers observers_;
  std::vector<bool> bypassed_;
  struct Activations;
  std::unique_ptr<Activations> activations_;
};

}  // namespace adder
