#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/arch/config.h"
#include "core/base/result.h"
#include "core/tensor/dtype.h"

namespace adder {

/// Positions per canonical chunk: the recurrent state is written only at absolute positions that are multiples of it.
inline constexpr int64_t kChunk = 64;

/// Everything one sequence remembers between calls of the model: KV pages of the attention layers, and for each
/// Mamba layer the state at the current chunk's start plus the log of the chunk so far. Not thread-safe; the forward
/// pass is the only writer of the buffers, between `Forward::run`'s begin and end.
class Sequence {
 public:
  Sequence(const ModelConfig& config, DType kv_type);
  Sequence(Sequence&&) noexcept;
  Sequence& operator=(Sequence&&) noexcept;
  ~Sequence();

  /// Tokens seen so far = absolute position of the next one.
  int64_t position() const;

  /// An independent sequence with the same past. KV pages are shared until one side writes.
  Sequence fork() const;

  /// Forgets tokens from `position` on. Free inside the current chunk (position >= its start), or to 0; elsewhere
  /// kUnsupported: a recurrence cannot be cut, restore a snapshot and replay instead.
  Status cut(int64_t position);
  /// Start of the current chunk: the earliest position `cut` can reach (besides 0).
  int64_t cut_floor() const;

  /// What has been seen, as an immutable value that outlives the sequence; cheap in KV (pages are shared).
  class Snapshot;
  std::shared_ptr<const Snapshot> snapshot() const;
  void restore(const std::shared_ptr<const Snapshot>& snapshot);

  /// Bytes held now; shared KV pages count fully for each holder.
  struct Bytes {
    int64_t conv = 0, ssm = 0, log = 0, kv = 0;
    int64_t total() const { return conv + ssm + log + kv; }
  };
  Bytes bytes() const;

  struct Impl;
  Impl& impl() { return *impl_; }  ///< for run/model

 private:
  explicit Sequence(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace adder
