#pragma once

#include <cstdint>

#include "core/arch/bind.h"
#include "run/engine/engine.h"

namespace adder {

/// The memory an engine takes at most, in bytes, once all its sequences are as long as the context. Each line is what
/// the code that allocates says of itself (Sequence::bytes_at, activation_bytes, unpacked_bytes), but for the two
/// estimates.
struct MemoryPlan {
  int64_t weights = 0;      ///< packed matrices, and what is used where it is mapped
  int64_t vectors = 0;      ///< small tensors, unpacked to f32
  int64_t kv = 0;           ///< pages of keys and values, all sequences
  int64_t recurrent = 0;    ///< SSM states and convolution windows, all sequences
  int64_t log = 0;          ///< chunk logs, all sequences
  int64_t snapshots = 0;    ///< EngineOptions::snapshot_bytes
  int64_t activations = 0;  ///< of a pass over a piece of prompt, or a token of every sequence, or drafts
  int64_t text = 0;         ///< estimate: metadata and tokenizer
  int64_t process = 0;      ///< estimate: program, stacks, sampling
  int64_t total() const { return weights + vectors + kv + recurrent + log + snapshots + activations + text + process; }
};

/// From the file's metadata and the options alone: nothing is allocated and no weight is read. `options.sequences`
/// sequences of `options.context` tokens each, passes of `options.prefill_tokens`. Errors: options that `Engine::open`
/// refuses (kUsage), a plan beyond 2^62 bytes (kTooLarge).
Result<MemoryPlan> plan_memory(const BoundModel& model, const EngineOptions& options);

/// kTooLarge, with the plan's lines and what was allowed, if `options.memory` is set and the plan goes beyond it.
Status check_plan(const MemoryPlan& plan, const EngineOptions& options);

/// What `Engine::open` asks of its options.
Status validate(const EngineOptions& options);

}  // namespace adder
