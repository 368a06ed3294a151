#include "make/quantize/record_divergence.h"

#include <gtest/gtest.h>

#include "core/arch/checkpoint_writer.h"
#include "core/arch/presets.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"

namespace adder {
namespace {

using testing::TempDir;

void write_model(const std::filesystem::path& path) {
  const auto types = uniform_types(tensor_specs(tiny()), Layout::kGguf, DType::kF16);
  auto writer = CheckpointWriter::gguf(path, tiny(), types, {}, {{"synth", ""}});
  ASSERT_TRUE(writer);
  for (const TensorSpec& spec : std::vector(writer->specs()))
    ASSERT_TRUE(writer->write(std::vector<float>(static_cast<size_t>(spec.shape.elements()), -1.0f)));
  ASSERT_TRUE(writer->finish());
}

TEST(RecordDivergence, KeepsAllElseAndTheSeal) {
  const TempDir dir;
  write_model(dir / "m.gguf");
  const Receipt before = **read_receipt(*ModelFile::open(dir / "m.gguf"));
  EXPECT_FALSE(before.divergence);
  for (const double kl : {0.25, 0.5}) {
    const ReceiptDivergence measured{kl, 0.125, 42, "abc"};
    ASSERT_TRUE(record_divergence(dir / "m.gguf", measured));
    const auto file = ModelFile::open(dir / "m.gguf");
    ASSERT_TRUE(file);
    Receipt after = **read_receipt(*file);
    EXPECT_EQ(after.divergence, measured);
    after.divergence.reset();
    EXPECT_EQ(after, before);
    const auto seal = read_seal(*file);
    ASSERT_TRUE(seal && *seal);
    EXPECT_TRUE((*seal)->damage.empty());
    for (const NamedTensor& tensor : file->gguf()->tensors())
      EXPECT_EQ((*seal)->tensor_hashes.at(tensor.name), hash128_hex(tensor.view.span())) << tensor.name;
    EXPECT_EQ(to_json(**read_receipt(*file))["divergence"]["kl"], kl);
  }
}

TEST(RecordDivergence, WantsAReceipt) {
  const TempDir dir;
  GgufWriter writer;
  writer.set("general.architecture", "nemotron_h");
  ASSERT_TRUE(writer.begin(dir / "bare.gguf"));
  ASSERT_TRUE(writer.finish());
  testing::expect_error(record_divergence(dir / "bare.gguf", {}), ErrorCode::kUsage, "bare.gguf", "receipt");
}

}  // namespace
}  // namespace adder
