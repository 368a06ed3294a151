#include "run/engine/plan.h"

#include <algorithm>

#include "core/arch/budget.h"
#include "core/base/byte_size.h"
#include "run/generate/draft_policy.h"
#include "run/model/activations.h"
#include "run/model/weights.h"

namespace adder {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int64_t kMaxSequences = 1 << 16;
constexpr int64_t kMaxContext = int64_t{1} << 40;

// Measured: 7.1 to 9.2 bytes for each byte of vocabularies of 32,000 to 131,072 tokens, in either layout.
constexpr int64_t kBytesPerTextByte = 10;
constexpr int64_t kProcessBytes = 8 << 20;
constexpr int64_t kThreadBytes = 64 << 10;
constexpr int64_t kSamplingBytesPerToken = 24;  // a candidate, its weight, its penalty

/// Sizes of the state grow with context and sequences, which no file bounds.
bool is_countable(const ModelConfig& config, const EngineOptions& o) {
  const StateBytes state = state_bytes(config, o.kv_type, o.state_type);
  const double positions = static_cast<double>(o.context) + static_cast<double>(kKeyBlock);
  const double sequence = static_cast<double>(state.kv_per_token) * positions + 64.0 * static_cast<double>(state.conv) +
                          static_cast<double>(state.ssm);
  return sequence * static_cast<double>(o.sequences) < 0x1p62;
}

}  // namespace

Status validate(const EngineOptions& o) {
  if (o.threads < 0 || o.threads > kMaxThreads)
    return Error::usage("{} threads: not between 0 (all) and {}", o.threads, kMaxThreads);
  const auto is_float = [](DType type) { return type == DType::kF32 || type == DType::kF16 || type == DType::kBF16; };
  if (!is_float(o.kv_type) && o.kv_type != DType::kF8E4M3)
    return Error::usage("keys and values cannot be kept as {}: F32, F16, BF16 or F8_E4M3", name(o.kv_type));
  if (!is_float(o.state_type))
    return Error::usage("SSM states cannot be kept as {}: F32, F16 or BF16", name(o.state_type));
  if (o.context < 1 || o.context > kMaxContext)
    return Error::usage("a context of {} tokens: not between 1 and {}", o.context, kMaxContext);
  if (o.prefill_tokens < 1) return Error::usage("{} prompt tokens per pass", o.prefill_tokens);
  if (o.sequences < 1 || o.sequences > kMaxSequences)
    return Error::usage("{} sequences: not between 1 and {}", o.sequences, kMaxSequences);
  if (o.snapshot_bytes < 0) return Error::usage("{} bytes of snapshots", o.snapshot_bytes);
  if (o.memory < 0) return Error::usage("a memory of {} bytes", o.memory);
  return {};
}

Result<MemoryPlan> plan_memory(const BoundModel& model, const EngineOptions& o) {
  TRY(validate(o));
  if (!is_countable(model.config, o))
    return Error::too_large("{} sequences of {} tokens take more memory than can be counted", o.sequences, o.context);

  const Sequence::Bytes sequence = Sequence(model.config, o.kv_type, o.state_type).bytes_at(o.context);
  const int64_t pass = std::max(std::min(o.prefill_tokens, o.context), o.sequences);
  const int threads = o.threads > 0 ? o.threads : available_threads();

  MemoryPlan plan;
  plan.weights = weight_bytes(model);
  plan.vectors = unpacked_bytes(model.config);
  plan.kv = o.sequences * sequence.kv;
  plan.recurrent = o.sequences * (sequence.ssm + sequence.conv);
  plan.log = o.sequences * sequence.log;
  plan.snapshots = o.snapshot_bytes;
  plan.activations = activation_bytes(model.config, pass, std::max(o.sequences, 1 + DraftPolicy::kMost)).total();
  plan.text = kBytesPerTextByte * static_cast<int64_t>(model.file->text_bytes());
  plan.process = kProcessBytes + threads * kThreadBytes + kSamplingBytesPerToken * model.config.vocab_size;
  return plan;
}

Status check_plan(const MemoryPlan& plan, const EngineOptions& o) {
  if (o.memory == 0 || plan.total() <= o.memory) return {};
  return Error::too_large(
      "{} of memory allowed, but {} sequence{} of {} tokens need {}: {} weights, {} keys and values, {} recurrent "
      "state and log, {} snapshots, {} of a pass, {} other",
      byte_size_text(o.memory), o.sequences, o.sequences == 1 ? "" : "s", o.context, byte_size_text(plan.total()),
      byte_size_text(plan.weights), byte_size_text(plan.kv), byte_size_text(plan.recurrent + plan.log),
      byte_size_text(plan.snapshots), byte_size_text(plan.activations),
      byte_size_text(plan.vectors + plan.text + plan.process));
}

}  // namespace adder
