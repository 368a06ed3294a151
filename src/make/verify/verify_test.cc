#include "make/verify/verify.h"

#include <gmock/gmock.h>

#include <limits>

#include "core/arch/checkpoint_writer.h"
#include "core/arch/config_gguf.h"
#include "core/arch/presets.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/gguf_writer.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TempDir;

ModelConfig one_layer() {
  ModelConfig config = tiny();
  config.layers = parse_pattern("M", 0, 0).value();
  config.num_attention_heads = config.head_dim = 0;
  config.vocab_size = 300;
  return config;
}

Status write_all(CheckpointWriter writer) {
  for (const TensorSpec& spec : std::vector(writer.specs()))
    TRY(writer.write(std::vector<float>(static_cast<size_t>(spec.shape.elements()), -0.5f)));
  return writer.finish();
}

Status write_gguf(const std::filesystem::path& path, uint64_t split_bytes = 0) {
  const ModelConfig config = one_layer();
  TRY_ASSIGN(auto writer,
             CheckpointWriter::gguf(path, config, uniform_types(tensor_specs(config), Layout::kGguf, DType::kF16), {},
                                    {{"synth", ""}}, split_bytes));
  return write_all(std::move(writer));
}

Status write_directory(const std::filesystem::path& path) {
  const ModelConfig config = one_layer();
  TRY_ASSIGN(auto writer, CheckpointWriter::hugging_face(
                              path, config, uniform_types(tensor_specs(config), Layout::kHuggingFace, DType::kBF16), {},
                              {{"synth", ""}}));
  return write_all(std::move(writer));
}

/// Flips one bit of the tensor's data in the file it lies in.
void flip_bit(const std::filesystem::path& model, std::string_view tensor) {
  std::filesystem::path target = model;
  size_t offset = 0;
  {
    const auto file = ModelFile::open(model);
    const TensorView* view = file->find_tensor(tensor);
    ASSERT_NE(view, nullptr);
    const std::byte* begin = nullptr;
    if (const Gguf* gguf = file->gguf()) {
      begin = gguf->bytes().data();
      for (const Gguf& other : gguf->more())
        if (other.own_tensors().front().view.data <= view->data && view->data < &*other.bytes().end())
          begin = other.bytes().data(), target = other.path();
    } else {
      target = file->hf()->shards().front().path();
      begin = file->hf()->shards().front().header().data();
    }
    offset = static_cast<size_t>(view->data - begin) + view->bytes() / 2;
  }
  std::string bytes = read_file(target).value();
  bytes[offset] = static_cast<char>(bytes[offset] ^ 1);
  ASSERT_TRUE(write_file(target, bytes));
}

TEST(Verify, WhatAdderWroteIsWhole) {
  const TempDir dir;
  ASSERT_TRUE(write_gguf(dir / "m.gguf"));
  ASSERT_TRUE(write_gguf(dir / "s.gguf", 100'000));
  ASSERT_TRUE(write_directory(dir / "hf"));
  for (const char* name : {"m.gguf", "s-00001-of-00004.gguf", "hf"}) {
    const auto report = verify(dir / name);
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_THAT(report->damage, IsEmpty()) << name;
    EXPECT_TRUE(report->is_sealed);
    ASSERT_TRUE(report->receipt);
    EXPECT_THAT(report->receipt->steps, ElementsAre(ReceiptStep{"synth", ""}));
    EXPECT_EQ(report->receipt->model_hash, report->model_hash);
    EXPECT_EQ(report->tensors, tensor_specs(one_layer()).size());
  }
}

TEST(Verify, AFlippedBitIsFoundAndItsTensorNamed) {
  const TempDir dir;
  ASSERT_TRUE(write_gguf(dir / "m.gguf"));
  ASSERT_TRUE(write_gguf(dir / "s.gguf", 100'000));
  ASSERT_TRUE(write_directory(dir / "hf"));
  for (const auto& [model, tensor] : {std::pair<const char*, const char*>{"m.gguf", "blk.0.ssm_conv1d.bias"},
                                      {"s-00001-of-00004.gguf", "output.weight"},
                                      {"hf", "backbone.layers.0.mixer.D"}}) {
    flip_bit(dir / model, tensor);
    const auto report = verify(dir / model);
    ASSERT_TRUE(report) << report.error().message();
    ASSERT_EQ(report->damage.size(), 1u) << model;
    EXPECT_THAT(report->damage[0], HasSubstr(fmt::format("tensor {}: not as it was written", tensor)));
  }
}

TEST(Verify, ForeignFilesAreCheckedAsFarAsTheyCanBe) {
  const TempDir dir;
  GgufWriter writer;
  writer.set("general.architecture", "llama");
  writer.add_tensor("good", DType::kF32, {4});
  writer.add_tensor("bad", DType::kF32, {2, 4});
  ASSERT_TRUE(writer.begin(dir / "m.gguf"));
  std::vector<float> values(12, 1.0f);
  values[4 + 5] = std::numeric_limits<float>::quiet_NaN();
  const auto bytes = std::as_bytes(std::span(values));
  ASSERT_TRUE(writer.write_tensor(bytes.first(16)));
  ASSERT_TRUE(writer.write_tensor(bytes.subspan(16)));
  ASSERT_TRUE(writer.finish());
  const auto report = verify(dir / "m.gguf");
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_FALSE(report->is_sealed);
  EXPECT_FALSE(report->receipt);
  EXPECT_THAT(report->damage, ElementsAre("tensor bad: element 5 is NaN or infinite"));
  EXPECT_THAT(report->not_checked, HasSubstr("llama"));
}

TEST(Verify, TensorsThatDoNotFitTheConfigAreDamage) {
  const TempDir dir;
  GgufWriter writer;
  for (const GgufEntry& entry : gguf_metadata(one_layer())) writer.set(entry);
  ASSERT_TRUE(writer.begin(dir / "m.gguf"));
  ASSERT_TRUE(writer.finish());
  const auto report = verify(dir / "m.gguf");
  ASSERT_TRUE(report) << report.error().message();
  ASSERT_EQ(report->damage.size(), 1u);
  EXPECT_THAT(report->damage[0], HasSubstr("tensor token_embd.weight"));
}

TEST(Verify, ReceiptsAreNotBelievedWhenTheModelIsAnother) {
  const TempDir dir;
  ASSERT_TRUE(write_directory(dir / "hf"));
  // A config that was exchanged and a seal that was made anew: hashes agree, but it is not the model of the receipt.
  auto config = HfDirectory::open(dir / "hf")->config();
  config["layer_norm_epsilon"] = 1e-6;
  const std::string text = config.dump(2);
  dir.put("hf/config.json", text);
  auto seal = nlohmann::ordered_json::parse(read_file(dir / "hf/adder-receipt.json").value());
  seal["files"]["config.json"] = hash128_hex(std::as_bytes(std::span(text)));
  seal["seal"] = kBlankHash;
  std::string sealed = seal.dump(2);
  seal_json(sealed);
  dir.put("hf/adder-receipt.json", sealed);
  const auto report = verify(dir / "hf");
  ASSERT_TRUE(report) << report.error().message();
  ASSERT_EQ(report->damage.size(), 1u);
  EXPECT_THAT(report->damage[0], HasSubstr("the receipt says"));
}

}  // namespace
}  // namespace adder
