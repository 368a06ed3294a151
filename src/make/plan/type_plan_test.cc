#include "make/plan/type_plan.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "core/arch/presets.h"
#include "core/base/testing/expect_error.h"

namespace adder {
namespace {

using testing::expect_error;

ModelConfig small() {
  ModelConfig config = tiny();
  config.layers = parse_pattern("M*-", 512, 2).value();
  config.vocab_size = 320;
  return config;
}

/// A table in which an error of four times less costs a bit more, and `sensitive` is what matters.
Sensitivities table_of(const ModelConfig& config, Role sensitive) {
  Sensitivities table;
  for (const TensorSpec& spec : tensor_specs(config)) {
    if (!spec.is_matrix) continue;
    TensorSensitivity row{.name = spec.gguf_name,
                          .elements = spec.shape.elements(),
                          .row_length = spec.shape.row_length(),
                          .probe = DType::kQ4_0,
                          .kl = spec.role == sensitive ? 1.0 : 1e-4,
                          .choices = {}};
    for (const DType type : candidate_types(row.row_length)) {
      const double bits = 8.0 * static_cast<double>(storage_bytes(type, 256)) / 256;
      row.choices.push_back({type, std::pow(0.25, bits)});
    }
    table.tensors.push_back(row);
  }
  return table;
}

struct Sum {
  uint64_t bytes = 0;
  double divergence = 0;
};
Sum sum_of(const Sensitivities& table, const ModelConfig& config, const TypePlan& plan) {
  Sum sum;
  const auto divergence = predicted_divergences(table, config, plan.types);
  const auto specs = tensor_specs(config);
  for (size_t i = 0; i < specs.size(); ++i) {
    sum.bytes += storage_bytes(plan.types[i].type, specs[i].shape.elements());
    sum.divergence += divergence[i].value_or(0);
  }
  return sum;
}

DType type_of(const TypePlan& plan, const ModelConfig& config, Role role) {
  const auto specs = tensor_specs(config);
  const auto found = std::ranges::find(specs, role, &TensorSpec::role);
  return plan.types[static_cast<size_t>(found - specs.begin())].type;
}

uint64_t bytes_of_mix(const ModelConfig& config, Mix mix) {
  uint64_t bytes = 0;
  const auto specs = tensor_specs(config);
  const auto types = plan_types(mix, config);
  for (size_t i = 0; i < specs.size(); ++i) bytes += storage_bytes(types[i].type, specs[i].shape.elements());
  return bytes;
}

TEST(PlanWithin, IsNoWorseThanAnyMixOfItsSize) {
  const ModelConfig config = small();
  for (const Role sensitive : {Role::kOutput, Role::kDown, Role::kSsmIn, Role::kV}) {
    const Sensitivities table = table_of(config, sensitive);
    for (const Mix mix : {Mix::kQ4_K_S, Mix::kQ4_K_M, Mix::kQ5_K_M, Mix::kQ6_K, Mix::kQ8_0}) {
      const uint64_t limit = bytes_of_mix(config, mix);
      const TypePlan plan = plan_within(table, config, limit).value();
      const Sum ours = sum_of(table, config, plan);
      const Sum theirs = sum_of(table, config, {plan_types(mix, config), 0});
      EXPECT_LE(ours.bytes, limit);
      EXPECT_LE(ours.divergence, theirs.divergence);
    }
  }
}

TEST(PlanWithin, AnotherModelGetsAnotherPlan) {
  const ModelConfig config = small();
  const uint64_t limit = bytes_of_mix(config, Mix::kQ5_K_M);
  const TypePlan a = plan_within(table_of(config, Role::kOutput), config, limit).value();
  const TypePlan b = plan_within(table_of(config, Role::kDown), config, limit).value();
  const auto bits = [](DType type) { return storage_bytes(type, 256); };
  EXPECT_GT(bits(type_of(a, config, Role::kOutput)), bits(type_of(b, config, Role::kOutput)));
  EXPECT_LT(bits(type_of(a, config, Role::kDown)), bits(type_of(b, config, Role::kDown)));
}

TEST(PlanWithin, LeavesVectorsAloneAndNamesTheFileAfterMostOfIt) {
  const ModelConfig config = small();
  const Sensitivities table = table_of(config, Role::kOutput);
  const TypePlan plan = plan_within(table, config, uint64_t{1} << 40).value();
  const auto specs = tensor_specs(config);
  for (size_t i = 0; i < specs.size(); ++i)
    EXPECT_EQ(plan.types[i].type, specs[i].is_matrix ? DType::kF16 : DType::kF32) << specs[i].gguf_name;
  EXPECT_EQ(plan.file_type, 1u) << "mostly F16";
}

/// Whatever type wins, general.file_type has a number for it.
TEST(PlanWithin, EveryCandidateHasAFileType) {
  const ModelConfig config = small();
  for (const DType only : candidate_types(512)) {
    Sensitivities table = table_of(config, Role::kOutput);
    for (TensorSensitivity& row : table.tensors)
      if (row.row_length == 512) std::erase_if(row.choices, [&](const auto& choice) { return choice.type != only; });
    for (TensorSensitivity& row : table.tensors) row.probe = row.choices.front().type;
    EXPECT_TRUE(plan_within(table, config, uint64_t{1} << 40)) << name(only);
  }
}

TEST(PlanWithin, RefusesWhatItCannotReachOrDoesNotKnow) {
  const ModelConfig config = small();
  Sensitivities table = table_of(config, Role::kOutput);
  expect_error(plan_within(table, config, 1000), ErrorCode::kTooLarge, "1000 B");
  table.tensors[3].row_length /= 2;
  expect_error(plan_within(table, config, 1 << 30), ErrorCode::kUsage, table.tensors[3].name, "rows of");
  table.tensors.erase(table.tensors.begin() + 3);
  expect_error(plan_within(table, config, 1 << 30), ErrorCode::kUsage, "has no");
}

}  // namespace
}  // namespace adder
