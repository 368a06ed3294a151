#include "core/arch/checkpoint_writer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "core/arch/bind.h"
#include "core/arch/model_files_for_test.h"
#include "core/arch/presets.h"
#include "core/base/rng.h"

namespace adder {
namespace {

using test::TempDir;
using ::testing::HasSubstr;

/// Multiples of 1/64 below 2 survive BF16 and F16; A gets negative powers of two, whose logarithm does not, quite.
std::vector<float> values_of(const TensorSpec& spec) {
  Rng rng(7, static_cast<uint64_t>(spec.layer + 1) << 8 | static_cast<uint64_t>(spec.role));
  std::vector<float> values(static_cast<size_t>(spec.shape.elements()));
  for (float& value : values) {
    const float sixty_fourths = static_cast<float>(rng.below(129)) - 64.0f;
    value = spec.role == Role::kA ? -std::exp2(static_cast<float>(rng.below(5))) : sixty_fourths / 64.0f;
  }
  return values;
}

Status write_all(CheckpointWriter& writer) {
  for (const TensorSpec& spec : std::vector(writer.specs())) {
    const std::vector<float> values = values_of(spec);
    const size_t half = static_cast<size_t>(spec.shape.rows() / 2 * spec.shape.row_length());
    if (half > 0) TRY(writer.write(std::span(values).first(half)));
    TRY(writer.write(std::span(values).subspan(half)));
  }
  return writer.finish();
}

void expect_values(const std::filesystem::path& path, float tolerance_of_a) {
  const auto file = test::open_shared(path);
  ASSERT_TRUE(file) << file.error().message();
  const auto bound = bind(*file);
  ASSERT_TRUE(bound) << bound.error().message();
  EXPECT_EQ(tiny(), bound->config);
  for (const BoundTensor& tensor : bound->tensors) {
    const auto read = to_f32(tensor);
    ASSERT_TRUE(read) << read.error().message();
    const auto expected = values_of(tensor.spec);
    if (tensor.spec.role != Role::kA) {
      EXPECT_EQ(expected, *read) << tensor.spec.gguf_name;
      continue;
    }
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(1.0f, (*read)[i] / expected[i], tolerance_of_a) << tensor.spec.gguf_name;
  }
}

TEST(CheckpointWriter, WritesGguf) {
  const TempDir dir;
  auto writer =
      CheckpointWriter::gguf(dir / "m.gguf", tiny(), uniform_types(tensor_specs(tiny()), Layout::kGguf, DType::kBF16),
                             {gguf_text("general.name", "Tiny"), gguf_u32("general.file_type", 32)});
  ASSERT_TRUE(writer) << writer.error().message();
  ASSERT_TRUE(write_all(*writer));
  expect_values(dir / "m.gguf", 0.0f);
  const auto file = ModelFile::open(dir / "m.gguf");
  EXPECT_EQ("Tiny", file->gguf()->text("general.name").value());
  EXPECT_EQ(DType::kF32, file->find_tensor("blk.0.ssm_norm.weight")->dtype);
  EXPECT_EQ(DType::kBF16, file->find_tensor("blk.0.ssm_in.weight")->dtype);
}

TEST(CheckpointWriter, WritesHuggingFaceDirectories) {
  const TempDir dir;
  HfFiles side;
  side.generation = {{"eos_token_id", {2, 11}}};
  side.chat_template = "{{ messages }}";
  auto writer = CheckpointWriter::hugging_face(
      dir / "model", tiny(), uniform_types(tensor_specs(tiny()), Layout::kHuggingFace, DType::kF32), side);
  ASSERT_TRUE(writer) << writer.error().message();
  EXPECT_FALSE(std::filesystem::exists(dir / "model"));
  ASSERT_TRUE(write_all(*writer));
  expect_values(dir / "model", 1e-6f);
  const auto file = ModelFile::open(dir / "model");
  EXPECT_EQ(side.generation, file->hf()->generation_config());
  EXPECT_EQ(side.chat_template, file->hf()->chat_template());
  EXPECT_FALSE(file->hf()->tokenizer());
  EXPECT_EQ("float32", file->hf()->config().at("torch_dtype"));
}

/// HF stores A_log = log(-A), GGUF stores A = -exp(A_log), whichever of the two the caller has.
TEST(CheckpointWriter, AIsStoredInTheFormOfItsLayout) {
  ModelConfig config = tiny();
  config.layers = parse_pattern("M", 0, 0).value();
  config.num_attention_heads = config.head_dim = 0;
  for (const auto& [form, given] : {std::pair{AForm::kA, -2.0f}, {AForm::kALog, std::log(2.0f)}}) {
    const TempDir dir;
    const auto write = [&, f = form, g = given](Result<CheckpointWriter> writer) {
      ASSERT_TRUE(writer) << writer.error().message();
      for (const TensorSpec& spec : std::vector(writer->specs())) {
        const std::vector<float> values(static_cast<size_t>(spec.shape.elements()), spec.role == Role::kA ? g : 0.5f);
        ASSERT_TRUE(writer->write(values, f));
      }
      ASSERT_TRUE(writer->finish());
    };
    const auto specs = tensor_specs(config);
    write(CheckpointWriter::gguf(dir / "m.gguf", config, uniform_types(specs, Layout::kGguf, DType::kF32), {}));
    write(CheckpointWriter::hugging_face(dir / "hf", config, uniform_types(specs, Layout::kHuggingFace, DType::kF32),
                                         {}));
    const auto first_float = [](const ModelFile& file, std::string_view name) {
      return *reinterpret_cast<const float*>(file.find_tensor(name)->data);
    };
    EXPECT_FLOAT_EQ(-2.0f, first_float(*ModelFile::open(dir / "m.gguf"), "blk.0.ssm_a"));
    EXPECT_FLOAT_EQ(0.6931472f, first_float(*ModelFile::open(dir / "hf"), "backbone.layers.0.mixer.A_log"));
  }
}

TEST(CheckpointWriter, RefusesWhatTheLayoutCannotHold) {
  const TempDir dir;
  const auto specs = tensor_specs(tiny());
  std::vector<DType> types(specs.size(), DType::kF32);
  types[2] = DType::kF8E4M3;
  const auto gguf = CheckpointWriter::gguf(dir / "m.gguf", tiny(), types, {});
  ASSERT_FALSE(gguf);
  EXPECT_EQ(ErrorCode::kUnsupported, gguf.error().code());
  EXPECT_THAT(gguf.error().message(), HasSubstr("blk.0.ssm_in.weight: GGUF has no type F8_E4M3"));
  types[2] = DType::kQ8_0;
  const auto hf = CheckpointWriter::hugging_face(dir / "hf", tiny(), types, {});
  ASSERT_FALSE(hf);
  EXPECT_THAT(hf.error().message(), HasSubstr("backbone.layers.0.mixer.in_proj.weight: safetensors has no type Q8_0"));
  ModelConfig invalid = tiny();
  invalid.norm_eps = -1;
  EXPECT_FALSE(CheckpointWriter::gguf(dir / "m.gguf", invalid, types, {}));
  EXPECT_FALSE(std::filesystem::exists(dir / "m.gguf"));
}

TEST(CheckpointWriter, NamesTheTensorThatIsNotFinite) {
  const TempDir dir;
  auto writer = CheckpointWriter::gguf(dir / "m.gguf", tiny(),
                                       uniform_types(tensor_specs(tiny()), Layout::kGguf, DType::kF16), {});
  ASSERT_TRUE(writer);
  std::vector<float> table(static_cast<size_t>(2048 * 160), 0.0f);
  table[1234] = std::numeric_limits<float>::infinity();
  const Status status = writer->write(table);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message(), HasSubstr("token_embd.weight"));
}

}  // namespace
}  // namespace adder
