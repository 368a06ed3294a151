#include "core/arch/fp8.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <limits>

#include "core/arch/bind.h"
#include "core/arch/checkpoint_writer.h"
#include "core/arch/config_json.h"
#include "core/arch/presets.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/safetensors.h"

namespace adder {
namespace {

using nlohmann::json;
using testing::expect_error;
using testing::TempDir;

const json kModelOpt = {{"quant_method", "modelopt"}, {"quant_algo", "FP8"}};
const std::string kUp = "backbone.layers.1.mixer.up_proj";
const std::string kKeys = "backbone.layers.3.mixer.k_proj";

/// What a test may change before a directory is written: tiny() in BF16, one matrix and one k_proj's cache in FP8.
struct Fp8Draft {
  json quantization = kModelOpt;
  std::optional<json> quant_config = {};
  DType type_of_up = DType::kF8E4M3;
  std::map<std::string, std::vector<float>> numbers = {
      {kUp + ".weight_scale", {0.25f}}, {kUp + ".input_scale", {0.5f}}, {kKeys + ".k_scale", {2.0f}}};
};

void write(const TempDir& dir, const Fp8Draft& draft) {
  json config = config_json(tiny()).value();
  if (!draft.quantization.is_null()) config["quantization_config"] = draft.quantization;
  HfWriter writer;
  for (const auto& [name, values] : draft.numbers)
    writer.weights().add_tensor(name, DType::kF32,
                                values.size() == 1 ? Shape{} : Shape{static_cast<int64_t>(values.size()), 1});
  std::vector<std::vector<std::byte>> tensors;
  for (const TensorSpec& spec : tensor_specs(tiny())) {
    const DType type = spec.hf_name == kUp + ".weight" ? draft.type_of_up : DType::kBF16;
    writer.weights().add_tensor(spec.hf_name, type, hf_shape(spec, tiny()));
    tensors.emplace_back(storage_bytes(type, spec.shape.elements()), std::byte{0x38});  // 1 in FP8
  }
  ASSERT_TRUE(writer.begin(dir / "m", {.config = config, .quant_config = draft.quant_config}));
  for (const auto& [name, values] : draft.numbers)
    ASSERT_TRUE(writer.weights().write_tensor(std::as_bytes(std::span(values))));
  for (const auto& bytes : tensors) ASSERT_TRUE(writer.weights().write_tensor(bytes));
  ASSERT_TRUE(writer.finish());
}

Result<BoundModel> bound(const TempDir& dir) {
  TRY_ASSIGN(ModelFile file, ModelFile::open(dir / "m"));
  return bind(std::make_shared<const ModelFile>(std::move(file)));
}

void expect_refused(const std::function<void(Fp8Draft&)>& spoil, ErrorCode code, const std::string& message) {
  const TempDir dir;
  Fp8Draft draft;
  spoil(draft);
  ASSERT_NO_FATAL_FAILURE(write(dir, draft));
  expect_error(bound(dir), code, message);
}

TEST(Fp8, ScalesGoToTheirMatrices) {
  const TempDir dir;
  ASSERT_NO_FATAL_FAILURE(write(dir, {}));
  const auto model = bound(dir);
  ASSERT_TRUE(model) << model.error().message();
  EXPECT_EQ(model->find(Role::kUp, 1)->scales, (Fp8Scales{.weight = 0.25f, .input = 0.5f, .cache = {}}));
  EXPECT_EQ(model->find(Role::kK, 3)->scales, (Fp8Scales{.weight = 1, .input = {}, .cache = 2.0f}));
  EXPECT_EQ(model->find(Role::kV, 3)->scales, Fp8Scales{});
  EXPECT_EQ(model->tensors.size(), tensor_specs(tiny()).size());
  EXPECT_THAT(model->skipped, ::testing::IsEmpty());
  EXPECT_THAT(to_f32(*model->find(Role::kUp, 1)).value(), ::testing::Each(0.25f));
  std::vector<float> rows(2 * 160);
  decode_rows(*model->find(Role::kUp, 1), 3, 2, rows);
  EXPECT_THAT(rows, ::testing::Each(0.25f));
}

TEST(Fp8, WithoutAWordOfItCodesAreNumbers) {
  const TempDir dir;
  ASSERT_NO_FATAL_FAILURE(write(dir, {.quantization = nullptr, .numbers = {}}));
  const auto model = bound(dir);
  ASSERT_TRUE(model) << model.error().message();
  EXPECT_THAT(to_f32(*model->find(Role::kUp, 1)).value(), ::testing::Each(1.0f));
}

TEST(Fp8, TheOlderFileAloneSaysItToo) {
  const json says = {{"quantization", {{"quant_algo", "FP8"}}}};
  expect_refused(
      [&](Fp8Draft& d) {
        d.quantization = nullptr;
        d.quant_config = says;
        d.numbers.erase(kUp + ".weight_scale");
      },
      ErrorCode::kCorrupt, kUp + ".weight_scale is missing");
  expect_refused(
      [&](Fp8Draft& d) {
        d.quantization = nullptr;
        d.quant_config = json{{"quantization", {{"quant_algo", "NVFP4"}}}};
      },
      ErrorCode::kUnsupported, "hf_quant_config.json: quant_algo 'NVFP4'");
}

TEST(Fp8BadInput, OtherFormatsAreRefusedByName) {
  const auto says = [](json config) { return [config](Fp8Draft& d) { d.quantization = config; }; };
  expect_refused(says({{"quant_method", "modelopt"}, {"quant_algo", "MIXED_PRECISION"}}), ErrorCode::kUnsupported,
                 "quant_algo 'MIXED_PRECISION' is not supported");
  expect_refused(says({{"quant_method", "compressed-tensors"}}), ErrorCode::kUnsupported,
                 "quant_method 'compressed-tensors' is not supported");
  expect_refused(says({{"quant_method", 7}}), ErrorCode::kUnsupported, "quant_method '7'");
  expect_refused(says("fp8"), ErrorCode::kUnsupported, "quant_method 'null'");
}

TEST(Fp8BadInput, ScalesThatAreNone) {
  const auto becomes = [](std::vector<float> values) {
    return [values](Fp8Draft& d) { d.numbers[kUp + ".weight_scale"] = values; };
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float value : {0.0f, -1.0f, kInfinity, std::nanf("")})
    expect_refused(becomes({value}), ErrorCode::kCorrupt, "expected a finite number above 0");
  expect_refused(becomes({1, 2, 3}), ErrorCode::kCorrupt,
                 kUp + ".weight_scale is F32 [3, 1], expected one number in F32");
  expect_refused([](Fp8Draft& d) { d.type_of_up = DType::kBF16; }, ErrorCode::kCorrupt,
                 kUp + ".weight_scale is there, but the matrix is BF16");
  expect_refused([](Fp8Draft& d) { d.numbers["backbone.layers.0.norm.weight_scale"] = {1}; }, ErrorCode::kCorrupt,
                 "backbone.layers.0.norm.weight_scale is not part of the model");
}

TEST(Fp8, TheWriterWritesScales) {
  const TempDir dir;
  const auto specs = tensor_specs(tiny());
  std::vector<DType> types(specs.size(), DType::kBF16);
  std::vector<Fp8Scales> scales(specs.size());
  for (size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].role == Role::kUp) types[i] = DType::kF8E4M3;
    scales[i] = {.weight = 0.5f, .input = 3.0f, .cache = {}};
    if (specs[i].role == Role::kV) scales[i].cache = 4.0f;
  }
  HfFiles files;
  files.config["quantization_config"] = kModelOpt;
  auto writer = CheckpointWriter::hugging_face(dir / "m", tiny(), types, files, {{"made", ""}}, scales);
  ASSERT_TRUE(writer) << writer.error().message();
  for (const TensorSpec& spec : specs)
    ASSERT_TRUE(writer->write(std::vector<float>(static_cast<size_t>(spec.shape.elements()), -2.0f)));
  ASSERT_TRUE(writer->finish());
  const auto model = bound(dir);
  ASSERT_TRUE(model) << model.error().message();
  EXPECT_EQ(model->find(Role::kUp, 1)->scales, (Fp8Scales{.weight = 0.5f, .input = 3.0f, .cache = {}}));
  EXPECT_EQ(model->find(Role::kV, 3)->scales, (Fp8Scales{.weight = 1, .input = {}, .cache = 4.0f}));
  EXPECT_EQ(model->find(Role::kSsmIn, 0)->scales, Fp8Scales{});
  EXPECT_THAT(to_f32(*model->find(Role::kUp, 1)).value(), ::testing::Each(-1.0f));
}

}  // namespace
}  // namespace adder
