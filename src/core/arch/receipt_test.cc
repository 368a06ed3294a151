#include "core/arch/receipt.h"

#include <gtest/gtest.h>

#include "core/arch/checkpoint_writer.h"
#include "core/arch/presets.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"

namespace adder {
namespace {

using testing::expect_error;
using testing::TempDir;

const std::vector<ReceiptStep> kSteps = {{"synth \"tiny\" --seed 7", ""}, {"convert", "0123456789abcdef"}};

Status write_model(Result<CheckpointWriter> opened) {
  TRY_ASSIGN(CheckpointWriter writer, std::move(opened));
  for (const TensorSpec& spec : std::vector(writer.specs()))
    TRY(writer.write(std::vector<float>(static_cast<size_t>(spec.shape.elements()), -1.0f)));
  return writer.finish();
}

TEST(Receipt, ComesBackFromEitherLayout) {
  const TempDir dir;
  const auto specs = tensor_specs(tiny());
  ASSERT_TRUE(write_model(
      CheckpointWriter::gguf(dir / "m.gguf", tiny(), uniform_types(specs, Layout::kGguf, DType::kF32), {}, kSteps)));
  ASSERT_TRUE(write_model(CheckpointWriter::hugging_face(
      dir / "hf", tiny(), uniform_types(specs, Layout::kHuggingFace, DType::kF16), {}, kSteps)));
  const auto gguf = read_receipt(*ModelFile::open(dir / "m.gguf")), hf = read_receipt(*ModelFile::open(dir / "hf"));
  ASSERT_TRUE(gguf && *gguf && hf && *hf);
  EXPECT_EQ((*gguf)->steps, kSteps);
  EXPECT_EQ((*hf)->steps, kSteps);
  EXPECT_EQ((*gguf)->bits_per_weight, 32);
  EXPECT_EQ((*hf)->bits_per_weight, 16);
  EXPECT_EQ((*gguf)->version, (*hf)->version);
}

TEST(Receipt, TheNextStepNamesTheStepsBefore) {
  const TempDir dir;
  const auto types = uniform_types(tensor_specs(tiny()), Layout::kGguf, DType::kF32);
  ASSERT_TRUE(write_model(CheckpointWriter::gguf(dir / "m.gguf", tiny(), types, {}, kSteps)));
  const auto steps = steps_from(*ModelFile::open(dir / "m.gguf"), "quantize");
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[1], kSteps[1]);
  EXPECT_EQ(steps[2], (ReceiptStep{"quantize", std::string(kBlankHash)}));
}

TEST(Receipt, AnOldOneAmongTheMetadataIsLeftOut) {
  const TempDir dir;
  const auto types = uniform_types(tensor_specs(tiny()), Layout::kGguf, DType::kF32);
  const std::vector<GgufEntry> carried = {{"adder.receipt.version", 8, false, std::string("old")},
                                          {"split.count", 2, false, uint64_t{9}}};
  ASSERT_TRUE(write_model(CheckpointWriter::gguf(dir / "m.gguf", tiny(), types, carried, kSteps)));
  const auto file = ModelFile::open(dir / "m.gguf");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_NE((*read_receipt(*file))->version, "old");
}

/// The text that is hashed, written out by hand.
TEST(ModelHash, IsThatOfItsLines) {
  ModelConfig config;
  config.layers = {{LayerKind::kMamba, 0, 0}, {LayerKind::kMlp, 512, 0}, {LayerKind::kAttention, 0, 2}};
  config.vocab_size = 300;
  config.hidden_size = 64;
  config.num_attention_heads = 4;
  config.head_dim = 16;
  config.mamba_num_heads = 8;
  config.mamba_head_dim = 24;
  config.ssm_state_size = 32;
  config.n_groups = 2;
  config.conv_kernel = 3;
  config.norm_eps = 1e-5f;
  config.tie_word_embeddings = true;
  ModelHash hash(config);
  hash.add(tensor_specs(config)[0], DType::kQ4_K, "abc");
  const std::string text =
      "layer M 0 0\nlayer - 512 0\nlayer * 0 2\nconfig 300 64 4 16 8 24 32 2 3 1e-05 1\ntoken_embd.weight Q4_K abc\n";
  EXPECT_EQ(hash.hex(), hash128_hex(std::as_bytes(std::span(text))));
  hash.add(tensor_specs(config)[0], DType::kF8E4M3, "def", {.weight = 0.25f, .input = 1.5f});
  const std::string more = text + "token_embd.weight F8_E4M3 def\nscales 0.25 1.5 0\n";
  EXPECT_EQ(hash.hex(), hash128_hex(std::as_bytes(std::span(more))));
}

TEST(ReceiptBadInput, HalfAReceipt) {
  const TempDir dir;
  ASSERT_TRUE(write_model(CheckpointWriter::hugging_face(
      dir / "hf", tiny(), uniform_types(tensor_specs(tiny()), Layout::kHuggingFace, DType::kF16), {}, kSteps)));
  for (const std::string text :
       {"{}", "[1]", R"({"adder": "1", "model_hash": 3})", R"({"adder": "1", "model_hash": "", "bits_per_weight": 4})",
        R"({"adder": "1", "model_hash": "", "bits_per_weight": 4, "steps": [{"recipe": "x"}]})"}) {
    dir.put("hf/adder-receipt.json", text);
    expect_error(read_receipt(*ModelFile::open(dir / "hf")), ErrorCode::kCorrupt, "adder-receipt.json");
  }
}

}  // namespace
}  // namespace adder
