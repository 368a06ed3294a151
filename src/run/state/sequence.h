#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/arch/config.h"
#include "core/base/result.h"
#include "core/tensor/dtype.h"
#include "run/state/kv_pages.h"
#include "run/state/mamba_state.h"

namespace adder {

/// Everything one sequence remembers between calls of the model: KV pages of the attention layers, and for each
/// Mamba layer the state at the current chunk's start plus the log of the chunk so far. Memory is taken by `reserve`
/// as tokens come; forks and snapshots share it until someone writes. Not thread-safe. Where a function gives
/// kTooLarge, there was no memory, and nothing has changed.
class Sequence {
 public:
  /// `kv_type` is F32, F16, BF16 or F8_E4M3, `state_type` that of the SSM states: F32, F16 or BF16. Throws
  /// std::bad_alloc.
  Sequence(const ModelConfig& config, DType kv_type, DType state_type = DType::kF32);
  Sequence(Sequence&&) noexcept = default;
  Sequence& operator=(Sequence&&) noexcept = default;

  /// Tokens seen so far = absolute position of the next one.
  int64_t position() const { return state_.position; }

  /// An independent sequence with the same past. kTooLarge.
  Result<Sequence> fork() const;

  /// Forgets tokens from `position` on. Free inside the current chunk (position >= cut_floor()), or to 0; elsewhere
  /// kUnsupported: a recurrence cannot be cut, restore a snapshot and replay instead. Past the end: kUsage.
  Status cut(int64_t position);
  /// Start of the current chunk: the earliest position `cut` can reach (besides 0). A chunk ends when its last
  /// position has been seen.
  int64_t cut_floor() const { return position() / kChunk * kChunk; }

  /// Bytes held now, in memory; what is shared counts fully for each holder.
  struct Bytes {
    int64_t conv = 0;  ///< (K-1) rows of conv_dim, f32
    int64_t ssm = 0;   ///< [Hm, N, P]
    int64_t log = 0;   ///< kChunk rows of 2 conv_dim + 2 Hm, f32
    int64_t kv = 0;    ///< whole pages
    int64_t total() const { return conv + ssm + log + kv; }
  };
  Bytes bytes() const { return state_.bytes(); }
  /// What `bytes` will be at that position, for plans; nothing is allocated.
  Bytes bytes_at(int64_t position) const;

  /// What has been seen, as an immutable value that outlives the sequence. It costs the memory of the log so far (none
  /// at a chunk's start but K-1 rows) and, once the sequence moves on, of the SSM state and of one page a layer.
  /// kTooLarge.
  class Snapshot;
  Result<std::shared_ptr<const Snapshot>> snapshot() const;
  /// The snapshot must come from a sequence of the same config and types. kTooLarge.
  Status restore(const std::shared_ptr<const Snapshot>& snapshot);

  // For the forward pass, the only writer: reserve, write n positions layer by layer, advance.

  /// Takes the memory that n more tokens need. kTooLarge.
  Status reserve(int64_t n);
  MambaState& mamba(int64_t i) { return state_.mamba[static_cast<size_t>(i)]; }  ///< i-th Mamba layer
  KvPages& kv(int64_t i) { return state_.kv[static_cast<size_t>(i)]; }           ///< i-th attention layer
  void advance(int64_t n) { state_.position += n; }
  /// Made for this config?
  bool fits(const ModelConfig& config) const;

 private:
  /// The numbers of a config that decide what is remembered.
  struct Shape {
    int64_t mamba_layers, mamba_num_heads, mamba_head_dim, ssm_state_size, n_groups, conv_kernel, head_dim;
    std::vector<int64_t> kv_heads;  // one per attention layer
    DType kv_type, state_type;
    bool operator==(const Shape&) const = default;
  };
  struct State {
    int64_t position = 0;
    std::vector<MambaState> mamba;
    std::vector<KvPages> kv;
    Bytes bytes() const;
  };
  static Shape shape_of(const ModelConfig& config, DType kv_type, DType state_type);
  Sequence(std::shared_ptr<const Shape> shape, State state) : shape_(std::move(shape)), state_(std::move(state)) {}

  std::shared_ptr<const Shape> shape_;
  State state_;
};

class Sequence::Snapshot {
 public:
  int64_t position() const { return state_.position; }
  Bytes bytes() const { return state_.bytes(); }

  /// What it holds in memory, piece by piece; other snapshots may hold the same pieces (Buffer::identity).
  template <class Visit>
  void for_each_buffer(const Visit& visit) const {
    for (const MambaState& layer : state_.mamba) layer.for_each_buffer(visit);
    for (const KvPages& layer : state_.kv) layer.for_each_buffer(visit);
  }

 private:
  friend class Sequence;
  std::shared_ptr<const Shape> shape_;
  State state_;
};

}  // namespace adder
