#include "make/train/loop/objective.h"

namespace adder {

Weights Weights::lane() const {
  Weights copy{model.lane(), beside, beside_rate};
  for (torch::Tensor& value : copy.beside) value = value.detach().requires_grad_(true);
  return copy;
}

torch::Tensor& Weights::at(size_t i) {
  const size_t n = model.values().size();
  return i < n ? model.values()[i] : beside[i - n];
}

const torch::Tensor& Weights::at(size_t i) const {
  return const_cast<Weights*>(this)->at(i);
}

std::string Weights::name_of(size_t i) const {
  const size_t n = model.values().size();
  if (i >= n) return fmt::format("beside.{}", i - n);
  const TensorSpec& spec = model.specs()[i];
  return fmt::format("param.{}.{}", name(spec.role), spec.layer);
}

HeadLoss CrossEntropy::loss(const Weights& weights, const MicroBatch& micro) const {
  const torch::Tensor hidden = hidden_states(weights.model, micro.tokens, micro.starts, forward_);
  return head_loss(hidden, head(weights.model), micro.targets, {}, {.kd = 0, .ce = 1, .precision = forward_.precision});
}

}  // namespace adder
