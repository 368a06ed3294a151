#pragma once

#include <span>

#include "run/model/forward.h"

namespace adder {

/// What the tokens of one batch pass through between two norms. All rows of a batch lie one after another; linear maps
/// take them together, whatever looks back in time takes one segment at a time.
struct Batch {
  struct Rows {
    Sequence* sequence;
    int64_t begin, n;  ///< rows of the batch
  };

  const Model& model;
  ThreadPool& pool;
  std::span<const Rows> segments;
  int64_t n_tokens;
  float* wide;                           ///< scratch of the mixers; sizes in activations.h
  float* narrow;                         ///< scratch of the mixers
  Q8Block* rounded;                      ///< scratch of `linear`
  const std::byte **k_pages, **v_pages;  ///< scratch of attention, a place for each page of the longest sequence
  const Observers& observers;

  const ModelConfig& config() const { return model.config(); }
  const Ops& ops() const { return model.ops(); }

  /// y = W x for `n` rows; x is rounded to bytes first, in so many parts, where the weights are packed integers.
  void linear(const Matrix& w, const float* x, float* y, int64_t n, int64_t parts = 1) const;
  /// body(begin, end) over n floats in pieces worth a thread.
  void elementwise(int64_t n, ThreadPool::Body body) const { pool.parallel_for(n, 8192, body); }

 private:
  void multiply(const Matrix& w, const float* x, float* y, int64_t n, int64_t parts) const;
};

/// y = mixer(u), u and y [n_tokens, H]; `index` counts layers of that kind. The state of every sequence moves on; its
/// position does not, until all layers have run.
void mamba(const Batch& batch, const MambaWeights& weights, int64_t index, const float* u, float* y);
void attention(const Batch& batch, const AttentionWeights& weights, int64_t index, const float* u, float* y);
void mlp(const Batch& batch, const MlpWeights& weights, const float* u, float* y);

}  // namespace adder
