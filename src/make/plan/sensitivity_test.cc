#include "make/plan/sensitivity.h"

#include <gmock/gmock.h>

#include "core/base/atomic_file.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/json.h"

namespace adder {
namespace {

using ::testing::Contains;
using testing::expect_error;
using ::testing::Not;
using testing::TempDir;

Sensitivities sample() {
  return {.model = "m",
          .importance = "",
          .text = "t",
          .tensors = {{.name = "a.weight",
                       .elements = 512,
                       .row_length = 256,
                       .probe = DType::kQ4_0,
                       .kl = 0.5,
                       .choices = {{DType::kF16, 1e-8}, {DType::kQ4_0, 0.25}, {DType::kQ6_K, 0.0625}}}}};
}

TEST(Sensitivity, DivergenceGrowsWithTheError) {
  const TensorSensitivity tensor = sample().tensors[0];
  EXPECT_DOUBLE_EQ(tensor.predicted_kl(DType::kQ4_0), 0.5);
  EXPECT_DOUBLE_EQ(tensor.predicted_kl(DType::kQ6_K), 0.125);
  TensorSensitivity zero = tensor;
  for (auto& choice : zero.choices) choice.error = 0;
  EXPECT_EQ(zero.predicted_kl(DType::kQ6_K), 0) << "weights that are all zero";
}

TEST(Sensitivity, ComesBackFromItsFile) {
  const TempDir dir;
  ASSERT_TRUE(sample().write(dir / "s.json"));
  const auto read = Sensitivities::read(dir / "s.json");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->model, "m");
  EXPECT_EQ(read->text, "t");
  ASSERT_NE(read->find("a.weight"), nullptr);
  EXPECT_EQ(read->find("b.weight"), nullptr);
  EXPECT_EQ(read->find("a.weight")->kl, 0.5);
  EXPECT_DOUBLE_EQ(read->find("a.weight")->predicted_kl(DType::kQ6_K), 0.125);
}

TEST(Sensitivity, RefusesWhatItCannotMean) {
  const TempDir dir;
  ASSERT_TRUE(sample().write(dir / "good.json"));
  const nlohmann::json good = read_json(dir / "good.json").value();
  const auto read_changed = [&](const char* pointer, const nlohmann::json& value) {
    nlohmann::json changed = good;
    changed[nlohmann::json::json_pointer(pointer)] = value;
    EXPECT_TRUE(write_file(dir / "bad.json", changed.dump()));
    return Sensitivities::read(dir / "bad.json");
  };
  expect_error(read_changed("/format", "something"), ErrorCode::kUnsupported, "bad.json", "something");
  expect_error(read_changed("/model", 7), ErrorCode::kCorrupt, "model", "number");
  expect_error(read_changed("/tensors", 7), ErrorCode::kCorrupt, "tensors");
  expect_error(read_changed("/tensors/0", 7), ErrorCode::kCorrupt, "tensor 0", "name is missing");
  expect_error(read_changed("/tensors/0/kl", -1), ErrorCode::kCorrupt, "tensor 0", "kl is -1");
  expect_error(read_changed("/tensors/0/elements", 0), ErrorCode::kCorrupt, "elements is 0");
  expect_error(read_changed("/tensors/0/elements", 1.5), ErrorCode::kCorrupt, "elements");
  expect_error(read_changed("/tensors/0/row_length", 128), ErrorCode::kCorrupt, "rows of 128 in Q6_K");
  expect_error(read_changed("/tensors/0/probe", "Q9_9"), ErrorCode::kCorrupt, "Q9_9");
  expect_error(read_changed("/tensors/0/probe", "Q5_K"), ErrorCode::kCorrupt, "no error of the probe Q5_K");
  expect_error(read_changed("/tensors/0/errors/Q8_0", "much"), ErrorCode::kCorrupt, "Q8_0");
  nlohmann::json twice = good["tensors"];
  twice.push_back(twice[0]);
  expect_error(read_changed("/tensors", twice), ErrorCode::kCorrupt, "a.weight twice");
  expect_error(Sensitivities::read(dir / "none.json"), ErrorCode::kNotFound, "none.json");
}

TEST(Sensitivity, CandidatesFitTheRow) {
  EXPECT_THAT(candidate_types(256), Contains(DType::kQ4_K));
  EXPECT_THAT(candidate_types(224), Not(Contains(DType::kQ4_K)));
  EXPECT_THAT(candidate_types(224), Contains(DType::kQ5_0));
  EXPECT_EQ(candidate_types(48), std::vector{DType::kF16});
}

}  // namespace
}  // namespace adder
