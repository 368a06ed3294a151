#include "make/plan/type_plan.h"

#include <algorithm>
#include <map>

#include "core/base/check.h"
#include "make/plan/allocate.h"

namespace adder {
namespace {

/// general.file_type of llama.cpp for a file that is mostly of one type.
uint32_t file_type_of_most(DType type) {
  switch (type) {
    case DType::kQ4_K:
      return info(Mix::kQ4_K_M).file_type;
    case DType::kQ5_K:
      return info(Mix::kQ5_K_M).file_type;
    default:
      break;
  }
  const auto mix = std::ranges::find(all_mixes(), type, &MixInfo::matrix_type);
  CHECK(mix != all_mixes().end(), "no mix of {}", name(type));
  return mix->file_type;
}

Result<const TensorSensitivity*> row_of(const Sensitivities& table, const TensorSpec& spec) {
  const TensorSensitivity* const row = table.find(spec.gguf_name);
  if (!row) return Error::usage("the sensitivity table has no {}; was its gathering broken off?", spec.gguf_name);
  if (row->elements != spec.shape.elements() || row->row_length != spec.shape.row_length())
    return Error::usage("the sensitivity table knows {} as {} elements in rows of {}, the model has {} in rows of {}",
                        spec.gguf_name, row->elements, row->row_length, spec.shape.elements(), spec.shape.row_length());
  return row;
}

}  // namespace

Result<TypePlan> plan_within(const Sensitivities& table, const ModelConfig& config, uint64_t data_bytes) {
  std::vector<std::vector<Option>> items;
  std::vector<std::vector<DType>> types;
  for (const TensorSpec& spec : tensor_specs(config)) {
    types.emplace_back();
    items.emplace_back();
    const auto offer = [&](DType type, double cost) {
      types.back().push_back(type);
      items.back().push_back({storage_bytes(type, spec.shape.elements()), cost});
    };
    if (!spec.is_matrix) {
      offer(DType::kF32, 0);
      continue;
    }
    TRY_ASSIGN(const TensorSensitivity* const row, row_of(table, spec));
    for (const auto& choice : row->choices) offer(choice.type, row->predicted_kl(choice.type));
  }
  TRY_ASSIGN(const std::vector<size_t> chosen, allocate(items, data_bytes));

  TypePlan plan;
  for (size_t i = 0; i < chosen.size(); ++i) {
    const DType type = types[i][chosen[i]];
    plan.types.push_back({type, type});
  }
  plan.file_type = file_type_of(tensor_specs(config), plan.types);
  return plan;
}

uint32_t file_type_of(std::span<const TensorSpec> specs, std::span<const PlannedType> types) {
  std::map<DType, int64_t> elements;
  for (size_t i = 0; i < specs.size(); ++i)
    if (specs[i].is_matrix) elements[types[i].type] += specs[i].shape.elements();
  const auto most = std::ranges::max_element(elements, {}, [](const auto& entry) { return entry.second; });
  return file_type_of_most(most->first);
}

std::vector<std::optional<double>> predicted_divergences(const Sensitivities& table, const ModelConfig& config,
                                                         std::span<const PlannedType> types) {
  std::vector<std::optional<double>> result;
  for (const TensorSpec& spec : tensor_specs(config)) {
    const DType type = types[result.size()].type;
    const TensorSensitivity* const row = spec.is_matrix ? table.find(spec.gguf_name) : nullptr;
    const bool known =
        row && std::ranges::find(row->choices, type, &TensorSensitivity::Choice::type) != row->choices.end();
    result.push_back(known ? std::optional(row->predicted_kl(type)) : std::nullopt);
  }
  return result;
}

}  // namespace adder
