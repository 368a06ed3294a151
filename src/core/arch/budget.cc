#include "core/arch/budget.h"

namespace adder {

int64_t parameter_count(const ModelConfig& config) {
  int64_t total = 0;
  for (const TensorSpec& spec : tensor_specs(config)) total += spec.shape.elements();
  return total;
}

int64_t active_parameter_count(const ModelConfig& config) {
  // A tied table is read whole once, as the output matrix.
  const int64_t table = config.tie_word_embeddings ? 0 : config.vocab_size * config.hidden_size;
  return parameter_count(config) - table;
}

int64_t weight_bytes_per_token(const BoundModel& model) {
  int64_t total = 0;
  for (const BoundTensor& tensor : model.tensors) {
    const bool one_row = tensor.spec.role == Role::kEmbedding && !model.config.tie_word_embeddings;
    total += static_cast<int64_t>(one_row ? tensor.view.row_bytes() : tensor.view.bytes());
  }
  return total;
}

StateBytes state_bytes(const ModelConfig& config, DType kv_type, DType state_type) {
  const int64_t mamba_layers = config.count(LayerKind::kMamba);
  constexpr int64_t kF32Bytes = 4;
  StateBytes bytes;
  if (mamba_layers > 0) bytes.conv = mamba_layers * (config.conv_kernel - 1) * config.conv_dim() * kF32Bytes;
  bytes.ssm = mamba_layers * static_cast<int64_t>(storage_bytes(state_type, config.d_inner() * config.ssm_state_size));
  for (const LayerConfig& layer : config.layers)
    bytes.kv_per_token += static_cast<int64_t>(storage_bytes(kv_type, 2 * layer.num_key_value_heads * config.head_dim));
  return bytes;
}

}  // namespace adder
