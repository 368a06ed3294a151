#include "make/verify/diff.h"

#include <gmock/gmock.h>

#include <cmath>

#include "core/arch/checkpoint_writer.h"
#include "core/arch/config_gguf.h"
#include "core/arch/presets.h"
#include "core/base/testing/temp_dir.h"

namespace adder {
namespace {

using testing::TempDir;

/// A tiny model of the given types whose values are all `value` (A: -1), but for one element of the output norm.
Status write_model(const std::filesystem::path& path, const ModelConfig& config, DType matrices, float value, float odd,
                   const std::string& name = "model") {
  const auto specs = tensor_specs(config);
  const bool is_gguf = path.extension() == ".gguf";
  const Layout layout = is_gguf ? Layout::kGguf : Layout::kHuggingFace;
  TRY_ASSIGN(auto writer,
             is_gguf ? CheckpointWriter::gguf(path, config, uniform_types(specs, layout, matrices),
                                              {gguf_text("general.name", name)})
                     : CheckpointWriter::hugging_face(path, config, uniform_types(specs, layout, matrices), {}));
  for (const TensorSpec& spec : specs) {
    std::vector<float> values(static_cast<size_t>(spec.shape.elements()), spec.role == Role::kA ? -1.0f : value);
    if (spec.role == Role::kOutputNorm) values[7] = odd;
    TRY(writer.write(values));
  }
  return writer.finish();
}

DiffReport compare(const std::filesystem::path& a, const std::filesystem::path& b, bool values_only = false) {
  DiffOptions options;
  options.values_only = values_only;
  const auto report = diff(a, b, options);
  EXPECT_TRUE(report) << report.error().message();
  return report.value_or(DiffReport());
}

TEST(Diff, AModelIsItself) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "a.gguf", tiny(), DType::kBF16, 0.5f, 0.5f));
  const DiffReport report = compare(dir / "a.gguf", dir / "a.gguf");
  EXPECT_TRUE(report.same());
  EXPECT_EQ(report.tensors_compared, tensor_specs(tiny()).size());
}

/// 160 elements of 0.5, one of which is 0.75: max 0.25, RMS sqrt(0.0625 / (160 * 0.25)).
TEST(Diff, ErrorsAreThoseOfTheValues) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "a.gguf", tiny(), DType::kBF16, 0.5f, 0.5f));
  ASSERT_TRUE(write_model(dir / "b.gguf", tiny(), DType::kBF16, 0.5f, 0.75f));
  const DiffReport report = compare(dir / "a.gguf", dir / "b.gguf");
  ASSERT_EQ(report.tensors.size(), 1u);
  EXPECT_EQ(report.tensors[0].name, "output_norm.weight");
  EXPECT_EQ(report.tensors[0].max_abs, 0.25);
  EXPECT_DOUBLE_EQ(report.tensors[0].relative_rms, std::sqrt(0.0625 / 40));
  EXPECT_TRUE(report.config.empty() && report.tokenizer.empty() && report.metadata.empty());
}

TEST(Diff, AnotherTypeIsADifferenceUnlessOnlyValuesCount) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "a.gguf", tiny(), DType::kBF16, 0.5f, 0.5f, "a"));
  ASSERT_TRUE(write_model(dir / "b.gguf", tiny(), DType::kF32, 0.5f, 0.5f, "b"));
  const DiffReport report = compare(dir / "a.gguf", dir / "b.gguf");
  EXPECT_FALSE(report.tensors.empty());
  for (const TensorDifference& tensor : report.tensors) {
    EXPECT_EQ(tensor.a, DType::kBF16);
    EXPECT_EQ(tensor.b, DType::kF32);
    EXPECT_EQ(tensor.max_abs, 0);
  }
  ASSERT_EQ(report.metadata.size(), 1u);
  EXPECT_EQ(report.metadata[0].field, "general.name");
  EXPECT_TRUE(compare(dir / "a.gguf", dir / "b.gguf", true).same());
}

/// A_log = 0 in the directory is A = -1 in the file.
TEST(Diff, LayoutsCompareByMeaning) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "a.gguf", tiny(), DType::kBF16, 0.5f, 0.5f));
  ASSERT_TRUE(write_model(dir / "hf", tiny(), DType::kBF16, 0.5f, 0.5f));
  EXPECT_FALSE(compare(dir / "a.gguf", dir / "hf").same()) << "small tensors are F32 in one and BF16 in the other";
  EXPECT_TRUE(compare(dir / "a.gguf", dir / "hf", true).same());
}

TEST(Diff, OtherShapesAndMissingLayersAreTold) {
  const TempDir dir;
  ModelConfig longer = tiny();
  longer.layers.push_back({LayerKind::kMlp, 64, 0});
  longer.vocab_size += 1;
  ASSERT_TRUE(write_model(dir / "a.gguf", tiny(), DType::kBF16, 0.5f, 0.5f));
  ASSERT_TRUE(write_model(dir / "b.gguf", longer, DType::kBF16, 0.5f, 0.5f));
  const DiffReport report = compare(dir / "a.gguf", dir / "b.gguf");
  std::vector<std::string> fields, missing, reshaped;
  for (const FieldDifference& field : report.config) fields.push_back(field.field);
  for (const TensorDifference& tensor : report.tensors) (tensor.a ? reshaped : missing).push_back(tensor.name);
  using ::testing::ElementsAre;
  EXPECT_THAT(fields, ElementsAre("intermediate_size", "layers", "num_key_value_heads", "vocab_size"));
  EXPECT_THAT(missing, ElementsAre("blk.8.attn_norm.weight", "blk.8.ffn_up.weight", "blk.8.ffn_down.weight"));
  EXPECT_THAT(reshaped, ElementsAre("token_embd.weight", "output.weight"));
}

}  // namespace
}  // namespace adder
