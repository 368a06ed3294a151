#pragma once

#include <algorithm>

#include "core/arch/config.h"
#include "run/kernels/ops.h"
#include "run/state/buffer.h"

namespace adder {

/// Positions per canonical chunk: the recurrent state is written only at absolute positions that are multiples of it.
inline constexpr int64_t kChunk = 64;

/// Rows of f32 that a chunk logs, one a position, after `lead` rows that belong to positions before the chunk.
struct LogRows {
  int64_t width = 0, lead = 0;
  Buffer buffer;

  int64_t row_bytes() const { return width * static_cast<int64_t>(sizeof(float)); }
  int64_t bytes_up_to(int64_t row) const { return (lead + row) * row_bytes(); }
  /// Row -lead .. kChunk - 1, after `own`.
  float* row(int64_t i) { return buffer.writable<float>() + (lead + i) * width; }
  [[nodiscard]] bool own(int64_t used) {
    return buffer.own(bytes_up_to(kChunk), std::min(bytes_up_to(used), buffer.bytes()));
  }
};

/// What one Mamba layer of one sequence remembers: the SSM state at the current chunk's start, and the log of the
/// chunk so far. A position's output is a function of these alone, and nothing in them is overwritten before the chunk
/// is full, so forgetting the last positions of the chunk is a matter of not reading them.
class MambaState {
 public:
  /// `state_type` of the SSM state: F32, F16 or BF16.
  MambaState(const ModelConfig& config, DType state_type);

  /// Before positions from `used` on (counted from the chunk's start) are logged: makes the log this state's own, and
  /// the SSM state too if the chunk will be filled. A sequence's first chunk needs none before. False without memory.
  [[nodiscard]] bool reserve(int64_t used, bool fills_chunk);

  // The log, by position in the chunk; each row is followed by the next.
  float* pre_conv(int64_t i) { return pre_conv_.row(i); }    ///< [conv_dim] as in_proj gave it; i >= -(K-1)
  float* post_conv(int64_t i) { return post_conv_.row(i); }  ///< [conv_dim] x | B | C after convolution and SiLU
  float* dt(int64_t i) { return dt_.row(i); }                ///< [Hm] after softplus
  float* cs(int64_t i) { return cs_.row(i); }                ///< [Hm] inclusive sum of dt * A from the chunk's start

  /// The chunk as the scan takes it. Only `finish_chunk` may follow a write through `state`.
  SsdChunk chunk();

  /// The SSM state has been advanced over a full chunk: begins the next one, whose window is the last K-1 rows.
  void finish_chunk();

  /// Back to the beginning of time: zero state, zero window. Gives the memory back.
  void clear();

  /// The same memory of the first `used` positions, holding no room for more.
  MambaState trimmed(int64_t used) const;

  int64_t conv_bytes() const { return std::min(pre_conv_.bytes_up_to(0), pre_conv_.buffer.bytes()); }
  int64_t ssm_bytes() const { return ssm_.bytes(); }
  int64_t log_bytes() const;

  template <class Visit>
  void for_each_buffer(const Visit& visit) const {
    visit(ssm_);
    for (const LogRows* rows : {&pre_conv_, &post_conv_, &dt_, &cs_}) visit(rows->buffer);
  }

  /// What these will be once a position is held, wherever it is.
  int64_t full_conv_bytes() const { return pre_conv_.bytes_up_to(0); }
  int64_t full_ssm_bytes() const {
    return static_cast<int64_t>(storage_bytes(state_type_, n_heads_ * head_dim_ * state_size_));
  }
  int64_t full_log_bytes() const;

 private:
  int64_t n_heads_, head_dim_, state_size_, n_groups_;
  DType state_type_;
  Buffer ssm_;                // [Hm, N, P] of state_type_
  bool holds_state_ = false;  // a chunk has been filled
  LogRows pre_conv_, post_conv_, dt_, cs_;
};

}  // namespace adder
