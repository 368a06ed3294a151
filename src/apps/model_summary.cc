#include "apps/model_summary.h"

#include <algorithm>

namespace adder {
namespace {

void count(std::vector<TypeTotal>& types, const TensorView& view) {
  auto found = std::find_if(types.begin(), types.end(), [&](const TypeTotal& t) { return t.dtype == view.dtype; });
  if (found == types.end()) found = types.insert(types.end(), TypeTotal{view.dtype});
  ++found->tensors;
  found->elements += view.shape.elements();
  found->bytes += static_cast<int64_t>(view.bytes());
}

std::optional<MixInfo> stated_mix(const BoundModel& model) {
  if (model.file->gguf() == nullptr) return std::nullopt;
  const auto file_type = model.file->gguf()->integer("general.file_type");
  if (!file_type) return std::nullopt;
  for (const MixInfo& mix : all_mixes()) {
    if (static_cast<int64_t>(mix.file_type) == *file_type) return mix;
  }
  return std::nullopt;
}

}  // namespace

ModelSummary summarize(const BoundModel& model, DType kv_type) {
  ModelSummary summary;
  summary.parameters = parameter_count(model.config);
  summary.active_parameters = active_parameter_count(model.config);
  summary.weight_bytes_per_token = weight_bytes_per_token(model);
  summary.state = state_bytes(model.config, kv_type);

  for (const BoundTensor& tensor : model.tensors) count(summary.types, tensor.view);
  for (const TypeTotal& type : summary.types) summary.bytes += type.bytes;
  std::sort(summary.types.begin(), summary.types.end(),
            [](const TypeTotal& a, const TypeTotal& b) { return a.bytes > b.bytes; });
  summary.bits_per_weight = 8.0 * static_cast<double>(summary.bytes) / static_cast<double>(summary.parameters);

  if (const auto mix = stated_mix(model)) {
    summary.mix = mix->name;
    const std::vector<PlannedType> plan = plan_types(mix->mix, model.config);
    for (size_t i = 0; i < model.tensors.size(); ++i) {
      const BoundTensor& tensor = model.tensors[i];
      if (plan[i].fell_back() && plan[i].type == tensor.view.dtype)
        summary.fallbacks.push_back({tensor.name, plan[i].wanted, plan[i].type});
    }
  }
  return summary;
}

}  // namespace adder
