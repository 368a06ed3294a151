#include "make/bench/traffic.h"

#include "core/arch/budget.h"
#include "run/state/mamba_state.h"

namespace adder {

PassTraffic pass_traffic(const BoundModel& model, DType kv_type, DType state_type, int64_t batch, int64_t position) {
  const StateBytes state = state_bytes(model.config, kv_type, state_type);
  const int64_t ssm = position < kChunk ? 0 : state.ssm;  // a sequence's first chunk starts from nothing
  return {.weights = weight_bytes_per_token(model),
          .state_read = batch * (ssm + ssm / kChunk + state.conv),
          .state_written = batch * (state.ssm / kChunk),
          .kv_read = batch * state.kv_per_token * position};
}

double prompt_operations(const ModelConfig& config, int64_t first, int64_t n) {
  double matrices = 0;
  for (const TensorSpec& spec : tensor_specs(config)) {
    if (spec.is_matrix && spec.layer >= 0) matrices += static_cast<double>(spec.shape.elements());
  }
  const auto tokens = static_cast<double>(n), output = static_cast<double>(config.vocab_size * config.hidden_size);
  const double keys = tokens * static_cast<double>(first) + tokens * (tokens + 1) / 2;  // position i sees i + 1
  const double heads = static_cast<double>(config.count(LayerKind::kAttention) * config.q_rows());
  const double states = static_cast<double>(config.count(LayerKind::kMamba) * config.d_inner() * config.ssm_state_size);
  return 2 * (matrices * tokens + output) + 4 * heads * keys + 4 * states * tokens;
}

}  // namespace adder
