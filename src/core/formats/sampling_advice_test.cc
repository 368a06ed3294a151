#include "core/formats/sampling_advice.h"

#include <gmock/gmock.h>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/gguf_writer.h"
#include "core/formats/safetensors.h"

namespace adder {
namespace {

using testing::expect_error;
using testing::TempDir;

Result<SamplingAdvice> of_directory(const std::string& generation_config) {
  const TempDir dir;
  dir.put("config.json", "{}");
  SafetensorsWriter weights;
  weights.add_tensor("w", DType::kI8, {4});
  TRY(weights.begin(dir / "model.safetensors"));
  TRY(weights.write_tensor(std::vector<std::byte>(4)));
  TRY(weights.finish());
  if (!generation_config.empty()) dir.put("generation_config.json", generation_config);
  TRY_ASSIGN(const ModelFile file, ModelFile::open(dir.path()));
  return sampling_advice(file);
}

Result<SamplingAdvice> of_gguf(const std::vector<GgufEntry>& entries) {
  const TempDir dir;
  GgufWriter writer;
  for (const GgufEntry& entry : entries) writer.set(entry);
  writer.add_tensor("w", DType::kF32, {1});
  TRY(writer.begin(dir / "x.gguf"));
  TRY(writer.write_tensor(std::vector<std::byte>(4)));
  TRY(writer.finish());
  TRY_ASSIGN(const ModelFile file, ModelFile::open(dir / "x.gguf"));
  return sampling_advice(file);
}

TEST(SamplingAdvice, OfAGenerationConfig) {
  const auto advice = of_directory(
      R"({"eos_token_id": [2, 11], "do_sample": true, "temperature": 0.6, "top_p": 0.95, "top_k": 20, "min_p": null})");
  ASSERT_TRUE(advice) << advice.error().message();
  EXPECT_EQ(*advice, (SamplingAdvice{.temperature = 0.6f, .top_p = 0.95f, .top_k = 20}));
  EXPECT_EQ(of_directory("").value(), SamplingAdvice());
  EXPECT_EQ(of_directory("[]").value(), SamplingAdvice());
}

TEST(SamplingAdvice, MeansWhatTransformersMeans) {
  EXPECT_EQ(of_directory(R"({"do_sample": false, "temperature": 0.6})").value().temperature, 0);
  EXPECT_EQ(of_directory(R"({"temperature": 1})").value().temperature, 1);
  EXPECT_EQ(of_directory(R"({"top_k": -1})").value().top_k, 0);
  const SamplingAdvice penalty = of_directory(R"({"repetition_penalty": 1.1})").value();
  EXPECT_EQ(penalty, (SamplingAdvice{.repetition_penalty = 1.1f, .penalty_last_n = -1}));
}

TEST(SamplingAdvice, RefusesWhatIsNoNumber) {
  expect_error(of_directory(R"({"temperature": "hot"})"), ErrorCode::kCorrupt, "temperature", "string");
  expect_error(of_directory(R"({"temperature": NaN})"), ErrorCode::kCorrupt, "temperature");
  expect_error(of_directory(R"({"top_p": 1e300})"), ErrorCode::kCorrupt, "top_p", "out of range");
  expect_error(of_directory(R"({"top_k": 2.5})"), ErrorCode::kCorrupt, "top_k", "integer");
  expect_error(of_directory(R"({"top_k": 18446744073709551615})"), ErrorCode::kCorrupt, "top_k");
  expect_error(of_directory(R"({"top_k": -9223372036854775808})"), ErrorCode::kCorrupt, "top_k");
  expect_error(of_gguf({{"general.sampling.temp", 8, false, std::string("hot")}}), ErrorCode::kCorrupt, "temp");
}

/// Types as llama.cpp's converter writes them: f32 and i32.
TEST(SamplingAdvice, OfGgufAndBack) {
  const SamplingAdvice all = {.temperature = 0.6f,
                              .top_p = 0.95f,
                              .min_p = 0.01f,
                              .repetition_penalty = 1.1f,
                              .top_k = 20,
                              .penalty_last_n = -1};
  const std::vector<GgufEntry> entries = gguf_entries(all);
  ASSERT_EQ(entries.size(), 6u);
  EXPECT_EQ(entries[0].key, "general.sampling.temp");
  EXPECT_EQ(describe_type(entries[0]), "f32");
  EXPECT_EQ(entries[4].key, "general.sampling.top_k");
  EXPECT_EQ(describe_type(entries[4]), "i32");
  EXPECT_EQ(of_gguf(entries).value(), all);
  EXPECT_EQ(of_gguf({}).value(), SamplingAdvice());
  EXPECT_EQ(to_generation_config_json(all),
            nlohmann::json::parse(R"({"do_sample": true, "temperature": 0.6, "top_p": 0.95, "min_p": 0.01,
                                      "repetition_penalty": 1.1, "top_k": 20})"));
  EXPECT_EQ(of_directory(to_generation_config_json(all).dump()).value(), all);
  EXPECT_EQ(to_generation_config_json(SamplingAdvice{.temperature = 0.0f}), nlohmann::json({{"do_sample", false}}));
}

}  // namespace
}  // namespace adder
