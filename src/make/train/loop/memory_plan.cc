#include "make/train/loop/memory_plan.h"

#include <algorithm>

#include "core/arch/budget.h"
#include "core/arch/roles.h"
#include "make/train/nn/causal_attention.h"

namespace adder {
namespace {

constexpr int64_t kF32 = 4;

/// Numbers that one token of a layer leaves for the backward pass.
int64_t saved_per_token(const ModelConfig& c, const LayerConfig& layer, const RunRecipe& r) {
  const int64_t norm = 2 * c.hidden_size;
  switch (layer.kind) {
    case LayerKind::kMamba: {
      const int64_t inner = c.d_inner();
      const int64_t in_chunk = (2 * c.mamba_num_heads + c.n_groups) * r.chunk;  // decay and mix by head, gram by group
      const int64_t states = inner * c.ssm_state_size / r.chunk;
      return norm + c.in_proj_rows() + 2 * c.conv_dim() + 6 * inner + in_chunk + states;
    }
    case LayerKind::kAttention: {
      const int64_t projected = c.q_rows() + 2 * layer.num_key_value_heads * c.head_dim;
      const int64_t seen = (r.seq_len + kAttentionBlock) / 2;  // keys of a query, one with another
      return norm + projected + 2 * c.q_rows() + c.num_attention_heads * seen;
    }
    case LayerKind::kMlp:
      return norm + 2 * layer.intermediate_size;
  }
  return 0;
}

/// Numbers that the layers carry between the segments of a window, all of which the backward pass needs.
int64_t carried(const ModelConfig& c, int64_t length, int64_t segment) {
  const int64_t segments = (length + segment - 1) / segment;
  int64_t all = 0;
  for (const LayerConfig& layer : c.layers) {
    if (layer.kind == LayerKind::kMamba)
      all += segments * (c.d_inner() * c.ssm_state_size + (c.conv_kernel - 1) * c.conv_dim());
    if (layer.kind == LayerKind::kAttention) all += 2 * length * layer.num_key_value_heads * c.head_dim;
  }
  return all;
}

}  // namespace

MemoryPlan plan_memory(const RunRecipe& recipe, const ModelConfig& model, const std::optional<ModelConfig>& teacher) {
  MemoryPlan plan;
  for (const TensorSpec& spec : tensor_specs(model)) {
    const bool muon = recipe.optimizer == "muon" && spec.is_matrix && spec.layer >= 0;
    plan.weights += kF32 * spec.shape.elements();
    plan.optimizer += kF32 * spec.shape.elements() * (muon ? 1 : 2);
  }
  plan.gradients = plan.weights * recipe.lanes;
  if (teacher) plan.teacher = kF32 * parameter_count(*teacher);

  int64_t all = 0, largest = 0;
  for (const LayerConfig& layer : model.layers) {
    const int64_t saved = saved_per_token(model, layer, recipe);
    all += saved;
    largest = std::max(largest, saved);
  }
  // Numbers that the micro-batch leaves: of everything, or of one segment of the worst layer, the inputs of all layers
  // and what they carry from segment to segment.
  const int64_t tokens = recipe.micro_batch * recipe.seq_len;
  int64_t layers = tokens * all;
  if (recipe.recompute) {
    const int64_t segment = recipe.segment > 0 ? std::min(recipe.segment, recipe.seq_len) : recipe.seq_len;
    layers = recipe.micro_batch * segment * largest + tokens * model.n_layers() * model.hidden_size +
             recipe.micro_batch * carried(model, recipe.seq_len, segment);
  }
  constexpr int64_t kLogitBlocks = 2 * (int64_t{16} << 20);  // the student's, then its gradients; the teacher's
  const int64_t head = kF32 * model.vocab_size * model.hidden_size + kLogitBlocks;
  plan.activations = recipe.lanes * (kF32 * (layers + 3 * tokens * model.hidden_size) + head);
  return plan;
}

std::string to_text(const MemoryPlan& plan) {
  const auto gib = [](int64_t bytes) { return static_cast<double>(bytes) / (int64_t{1} << 30); };
  return fmt::format(
      "memory on the device: {:.2f} GiB = weights {:.2f} + gradients {:.2f} + optimizer {:.2f} + teacher {:.2f} + "
      "activations {:.2f} (planned)",
      gib(plan.total()), gib(plan.weights), gib(plan.gradients), gib(plan.optimizer), gib(plan.teacher),
      gib(plan.activations));
}

}  // namespace adder
