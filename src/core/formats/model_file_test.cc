#include "core/formats/model_file.h"

#include <gtest/gtest.h>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/testing/gguf_bytes.h"
#include "core/formats/testing/safetensors_bytes.h"

namespace adder {
namespace {

using testing::expect_error;
using testing::GgufBytes;
using testing::TempDir;

void put_hf(const TempDir& dir) {
  dir.put("config.json", "{}");
  dir.put("tokenizer.json", "{}");
  dir.put("model.safetensors",
          testing::safetensors_file(R"({"w": {"dtype": "I8", "shape": [4], "data_offsets": [0, 4]}})", 4));
}

TEST(ModelFile, OpensGgufByItsMagic) {
  const TempDir dir;
  dir.put("no-suffix", GgufBytes().header(1, 0).tensor("w", {2}, 0, 0).pad(32).zeros(8).str());
  const auto file = ModelFile::open(dir / "no-suffix");
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_NE(file->gguf(), nullptr);
  EXPECT_EQ(file->hf(), nullptr);
  EXPECT_EQ(file->path(), (dir / "no-suffix").string());
  EXPECT_EQ(file->tensors().size(), 1u);
  EXPECT_EQ(file->find_tensor("w")->shape, Shape({2}));
}

TEST(ModelFile, OpensADirectoryOrAFileInIt) {
  const TempDir dir;
  put_hf(dir);
  for (const auto& path : {dir.path(), dir / "config.json", dir / "model.safetensors", dir / "tokenizer.json"}) {
    const auto file = ModelFile::open(path);
    ASSERT_TRUE(file) << file.error().message();
    ASSERT_NE(file->hf(), nullptr);
    EXPECT_EQ(file->path(), dir.path().string());
    EXPECT_NE(file->find_tensor("w"), nullptr);
    EXPECT_EQ(file->tensors().size(), 1u);
  }
}

TEST(ModelFile, CountsWhatIsMappedAndWhatIsRead) {
  const TempDir dir;
  const std::string bytes = GgufBytes().header(1, 0).tensor("w", {2}, 0, 0).pad(32).zeros(8).str();
  dir.put("a.gguf", bytes);
  const auto gguf = ModelFile::open(dir / "a.gguf").value();
  EXPECT_EQ(gguf.mapped_bytes(), bytes.size());
  EXPECT_EQ(gguf.text_bytes(), bytes.size() - 8);

  put_hf(dir);
  const auto hf = ModelFile::open(dir.path()).value();
  EXPECT_EQ(hf.mapped_bytes(), std::filesystem::file_size(dir / "model.safetensors"));
  EXPECT_EQ(hf.text_bytes(), 4u);
}

TEST(ModelFile, KeepsTheTensorsWhenMoved) {
  const TempDir dir;
  put_hf(dir);
  auto file = ModelFile::open(dir.path()).value();
  const ModelFile moved = std::move(file);
  EXPECT_EQ(moved.find_tensor("w")->data[3], std::byte{1});
}

TEST(ModelFileBadInput, NoSuchFile) {
  const TempDir dir;
  expect_error(ModelFile::open(dir / "none.gguf"), ErrorCode::kNotFound, "none.gguf", "no such file");
}

TEST(ModelFileBadInput, EmptyFile) {
  const TempDir dir;
  dir.put("empty.gguf", "");
  expect_error(ModelFile::open(dir / "empty.gguf"), ErrorCode::kCorrupt, "empty.gguf", "an empty file");
}

TEST(ModelFileBadInput, SomeOtherFile) {
  const TempDir dir;
  dir.put("notes.txt", "once upon a time\nthere was");
  expect_error(ModelFile::open(dir / "notes.txt"), ErrorCode::kCorrupt, "notes.txt", "not a model",
               "'once upon a time'");
  dir.put("short", "GG");
  expect_error(ModelFile::open(dir / "short"), ErrorCode::kCorrupt, "not a model", "'GG'");
}

TEST(ModelFileBadInput, PyTorchCheckpoint) {
  const TempDir dir;
  put_hf(dir);
  for (const char* head : {"PK\x03\x04 a zip archive", "\x80\x02}q a pickle"}) {
    dir.put("pytorch_model.bin", head);
    expect_error(ModelFile::open(dir / "pytorch_model.bin"), ErrorCode::kUnsupported, "pytorch_model.bin",
                 "PyTorch checkpoint", "safetensors");
  }
}

TEST(ModelFileBadInput, DirectoryWithoutConfig) {
  const TempDir dir;
  expect_error(ModelFile::open(dir.path()), ErrorCode::kNotFound, "no config.json");
}

TEST(ModelFileBadInput, SafetensorsAlone) {
  const TempDir dir;
  dir.put("model.safetensors", testing::safetensors_file("{}", 0));
  expect_error(ModelFile::open(dir / "model.safetensors"), ErrorCode::kNotFound, "no config.json");
}

TEST(ModelFileBadInput, NotARegularFile) {
  expect_error(ModelFile::open("/dev/null"), ErrorCode::kIo, "/dev/null", "expected a regular file");
}

TEST(ModelFileBadInput, BrokenGgufKeepsItsOwnError) {
  const TempDir dir;
  dir.put("m.gguf", GgufBytes().header(0, 0, 2).str());
  expect_error(ModelFile::open(dir / "m.gguf"), ErrorCode::kUnsupported, "m.gguf", "GGUF version 2");
}

}  // namespace
}  // namespace adder
