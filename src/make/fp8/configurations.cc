#include "make/fp8/configurations.h"

#include <algorithm>

#include "core/base/function_ref.h"
#include "make/fp8/policy.h"

namespace adder {

std::vector<Fp8Configuration> fp8_configurations(const ModelConfig& config) {
  const std::vector<TensorSpec> specs = tensor_specs(config);
  const std::vector<bool> layers = fp8_tensors(Fp8Policy::kLayers, config);
  std::vector<Fp8Configuration> configurations;
  const auto add = [&](std::string name, std::vector<bool> chosen) {
    const bool is_new = std::ranges::count(configurations, chosen, &Fp8Configuration::chosen) == 0;
    if (is_new && std::ranges::count(chosen, true) > 0) configurations.push_back({std::move(name), std::move(chosen)});
  };
  const auto add_layers = [&](std::string name, FunctionRef<bool(const TensorSpec&)> is_in) {
    std::vector<bool> chosen(specs.size());
    for (size_t i = 0; i < specs.size(); ++i) chosen[i] = layers[i] && is_in(specs[i]);
    add(std::move(name), std::move(chosen));
  };
  const auto kind = [&](const TensorSpec& spec) { return config.layers[static_cast<size_t>(spec.layer)].kind; };
  for (const Fp8Policy policy : {Fp8Policy::kAll, Fp8Policy::kLayers, Fp8Policy::kSelective})
    add(std::string(name(policy)), fp8_tensors(policy, config));
  add_layers("no attention", [&](const TensorSpec& s) { return kind(s) != LayerKind::kAttention; });
  add_layers("no outer layers", [&](const TensorSpec& s) { return s.layer >= 2 && s.layer < config.n_layers() - 2; });
  add_layers("attention alone", [&](const TensorSpec& s) { return kind(s) == LayerKind::kAttention; });
  add_layers("Mamba alone", [&](const TensorSpec& s) { return kind(s) == LayerKind::kMamba; });
  add_layers("MLP alone", [&](const TensorSpec& s) { return kind(s) == LayerKind::kMlp; });
  for (const Role role : {Role::kSsmIn, Role::kSsmOut, Role::kUp, Role::kDown})
    add_layers(fmt::format("{} alone", name(role)), [&](const TensorSpec& s) { return s.role == role; });
  return configurations;
}

}  // namespace adder
