#include "make/plan/role_plan.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "make/plan/allocate.h"
#include "make/plan/type_plan.h"

namespace adder {
namespace {

/// "ssm_in.weight" of "blk.3.ssm_in.weight": the same for all matrices of a role.
std::string_view role_of(std::string_view name) {
  constexpr std::string_view kBlock = "blk.";
  if (!name.starts_with(kBlock)) return name;
  const size_t dot = name.find('.', kBlock.size());
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

/// What the table says of a role.
struct RoleCosts {
  std::map<DType, double> sum;    ///< over the matrices that may have the type
  std::map<DType, int64_t> seen;  ///< how many these are
};

std::map<std::string_view, RoleCosts> costs_by_role(const Sensitivities& table) {
  std::map<std::string_view, RoleCosts> roles;
  for (const TensorSensitivity& row : table.tensors) {
    RoleCosts& role = roles[role_of(row.name)];
    for (const auto& choice : row.choices) {
      role.sum[choice.type] += row.predicted_kl(choice.type);
      ++role.seen[choice.type];
    }
  }
  return roles;
}

/// The matrices of one role, and what they may become.
struct RoleChoices {
  std::vector<size_t> tensors;
  std::vector<DType> types;
  std::vector<Option> options;
};

}  // namespace

Result<TypePlan> plan_by_role(const Sensitivities& table, const ModelConfig& config, uint64_t data_bytes) {
  const std::vector<TensorSpec> specs = tensor_specs(config);
  const auto known = costs_by_role(table);
  std::map<std::string_view, RoleChoices> roles;
  TypePlan plan;
  uint64_t fixed = 0;
  for (size_t i = 0; i < specs.size(); ++i) {
    plan.types.push_back({DType::kF32, DType::kF32});
    if (specs[i].is_matrix)
      roles[role_of(specs[i].gguf_name)].tensors.push_back(i);
    else
      fixed += storage_bytes(DType::kF32, specs[i].shape.elements());
  }
  std::vector<std::vector<Option>> items;
  for (auto& [name, role] : roles) {
    const auto costs = known.find(name);
    if (costs == known.end()) return Error::usage("the sensitivity table has no {}", name);
    const TensorSpec& first = specs[role.tensors.front()];
    const auto n = static_cast<double>(role.tensors.size());
    for (const DType type : candidate_types(first.shape.row_length())) {
      const auto cost = costs->second.sum.find(type);
      if (cost == costs->second.sum.end()) continue;
      uint64_t bytes = 0;
      for (const size_t i : role.tensors) bytes += storage_bytes(type, specs[i].shape.elements());
      role.types.push_back(type);
      role.options.push_back({bytes, n * cost->second / static_cast<double>(costs->second.seen.at(type))});
    }
    if (role.types.empty())
      return Error::usage("the sensitivity table has no type for {} in rows of {}", name, first.shape.row_length());
    items.push_back(role.options);
  }
  TRY_ASSIGN(const std::vector<size_t> chosen, allocate(items, data_bytes - std::min(fixed, data_bytes)));
  size_t item = 0;
  for (const auto& [name, role] : roles) {
    const DType type = role.types[chosen[item++]];
    for (const size_t i : role.tensors) plan.types[i] = {type, type};
  }
  plan.file_type = file_type_of(specs, plan.types);
  return plan;
}

}  // namespace adder
