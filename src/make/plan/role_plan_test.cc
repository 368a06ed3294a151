#include "make/plan/role_plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "core/arch/presets.h"
#include "core/base/testing/expect_error.h"

namespace adder {
namespace {

using testing::expect_error;

/// Of the tiny model; a bit more costs a quarter, and matrices of the `sensitive` role matter.
Sensitivities table_of(Role sensitive) {
  Sensitivities table;
  for (const TensorSpec& spec : tensor_specs(tiny())) {
    if (!spec.is_matrix) continue;
    TensorSensitivity row{.name = spec.gguf_name,
                          .elements = spec.shape.elements(),
                          .row_length = spec.shape.row_length(),
                          .kl = spec.role == sensitive ? 1e-2 : 1e-4,
                          .choices = {}};
    for (const DType type : candidate_types(row.row_length)) {
      const double bits = 8.0 * info(type).block_bytes / info(type).block_size;
      row.choices.push_back({type, std::exp2(-2 * bits)});
    }
    table.tensors.push_back(row);
  }
  return table;
}

uint64_t bytes_of(const ModelConfig& config, const TypePlan& plan) {
  uint64_t bytes = 0;
  const auto specs = tensor_specs(config);
  for (size_t i = 0; i < specs.size(); ++i) bytes += storage_bytes(plan.types[i].type, specs[i].shape.elements());
  return bytes;
}

/// From one shape of the family to another a thousand times as large.
TEST(PlanByRole, GivesARoleOneTypeWithinTheLimit) {
  constexpr uint64_t kLimit = 2'496'000'000;
  const ModelConfig nano = nano_4b();
  const auto specs = tensor_specs(nano);
  for (const Role sensitive : {Role::kDown, Role::kSsmOut}) {
    const TypePlan plan = plan_by_role(table_of(sensitive), nano, kLimit).value();
    EXPECT_LE(bytes_of(nano, plan), kLimit);
    EXPECT_GT(bytes_of(nano, plan), kLimit * 9 / 10);
    std::map<Role, DType> types;
    for (size_t i = 0; i < specs.size(); ++i) {
      const DType type = plan.types[i].type;
      EXPECT_EQ(specs[i].shape.row_length() % info(type).block_size, 0) << specs[i].gguf_name;
      if (!specs[i].is_matrix) {
        EXPECT_EQ(type, DType::kF32);
        continue;
      }
      EXPECT_EQ(types.try_emplace(specs[i].role, type).first->second, type) << specs[i].gguf_name;
    }
    const auto bits = [&](Role role) {
      return 8.0 * info(types.at(role)).block_bytes / info(types.at(role)).block_size;
    };
    EXPECT_GT(bits(sensitive), bits(sensitive == Role::kDown ? Role::kSsmOut : Role::kDown));
  }
}

TEST(PlanByRole, RefusesWhatItCannotReachOrDoesNotKnow) {
  Sensitivities table = table_of(Role::kDown);
  expect_error(plan_by_role(table, nano_4b(), 1'000'000'000), ErrorCode::kTooLarge, "limit");
  expect_error(plan_by_role(table, nano_4b(), 10), ErrorCode::kTooLarge, "limit");
  std::erase_if(table.tensors, [](const auto& row) { return row.name.ends_with("ssm_in.weight"); });
  expect_error(plan_by_role(table, nano_4b(), 3'000'000'000), ErrorCode::kUsage, "no ssm_in.weight");
}

}  // namespace
}  // namespace adder
