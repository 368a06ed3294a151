#include "make/fp8/policy.h"

#include <array>

namespace adder {
namespace {

constexpr std::array kPolicies = {Fp8Policy::kSelective, Fp8Policy::kLayers, Fp8Policy::kAll};

/// Layers that the selective policy leaves alone.
std::vector<bool> left_alone(const ModelConfig& config) {
  std::vector<bool> alone(config.layers.size());
  for (size_t i = 0; i < alone.size(); ++i) {
    if (config.layers[i].kind != LayerKind::kAttention) continue;
    alone[i] = true;
    for (size_t before = i; before-- > 0;) {
      if (config.layers[before].kind != LayerKind::kMamba) continue;
      alone[before] = true;
      break;
    }
  }
  return alone;
}

}  // namespace

std::string_view name(Fp8Policy policy) {
  constexpr std::array<std::string_view, kPolicies.size()> kNames = {"selective", "layers", "all"};
  return kNames[static_cast<size_t>(policy)];
}

std::optional<Fp8Policy> fp8_policy_from_name(std::string_view wanted) {
  for (const Fp8Policy policy : kPolicies)
    if (name(policy) == wanted) return policy;
  return std::nullopt;
}

std::vector<bool> fp8_tensors(Fp8Policy policy, const ModelConfig& config) {
  const std::vector<bool> alone = left_alone(config);
  std::vector<bool> chosen;
  for (const TensorSpec& spec : tensor_specs(config)) {
    const bool in_layer = spec.is_matrix && spec.layer >= 0;
    const bool kept = policy == Fp8Policy::kSelective && in_layer && alone[static_cast<size_t>(spec.layer)];
    chosen.push_back((in_layer && !kept) || (policy == Fp8Policy::kAll && spec.role == Role::kOutput));
  }
  return chosen;
}

}  // namespace adder
