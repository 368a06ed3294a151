#include "core/formats/gguf_split.h"

#include <gtest/gtest.h>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/gguf_writer.h"

namespace adder {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::TempDir;

/// Five tensors of 64 bytes, filled with their number.
Status write_model(const fs::path& path, uint64_t split, const std::string& name = "model", bool seal = false) {
  GgufWriter writer;
  writer.set("general.architecture", "nemotron_h");
  writer.set("general.name", name);
  if (seal) writer.seal();
  writer.split(split);
  for (int i = 0; i < 5; ++i) writer.add_tensor(fmt::format("t{}", i), DType::kF32, {16});
  TRY(writer.begin(path));
  for (int i = 0; i < 5; ++i) {
    const std::vector<std::byte> bytes(64, static_cast<std::byte>(i));
    TRY(writer.write_part(std::span(bytes).first(10)));
    TRY(writer.write_part(std::span(bytes).subspan(10)));
  }
  return writer.finish();
}

size_t files_in(const TempDir& dir) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(dir.path()), {}));
}

TEST(GgufSplit, NamesFilesAsLlamaCppDoes) {
  EXPECT_EQ(split_path("a/m.gguf", 1, 3), "a/m-00002-of-00003.gguf");
  EXPECT_EQ(split_path("m", 0, 12), "m-00001-of-00012.gguf");
  EXPECT_EQ(unsplit_path("a/m-00002-of-00003.gguf", 1, 3), "a/m.gguf");
  EXPECT_EQ(unsplit_path("a/m-00002-of-00003.gguf", 0, 3), "");
}

TEST(GgufSplit, ReadsBackAsOneModel) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "m.gguf", 128));
  EXPECT_EQ(files_in(dir), 3u);
  const auto gguf = Gguf::open(dir / "m-00001-of-00003.gguf");
  ASSERT_TRUE(gguf) << gguf.error().message();
  EXPECT_EQ(gguf->text("general.name").value(), "model");
  EXPECT_EQ(gguf->integer(kSplitTensorsKey).value(), 5);
  ASSERT_EQ(gguf->tensors().size(), 5u);
  EXPECT_EQ(gguf->own_tensors().size(), 2u);
  EXPECT_EQ(gguf->more().size(), 2u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(gguf->find_tensor(fmt::format("t{}", i))->data[63], static_cast<std::byte>(i));
  size_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(dir.path())) bytes += entry.file_size();
  EXPECT_EQ(gguf->file_bytes(), bytes);
}

TEST(GgufSplit, OneFileIsEnoughWhereAllFits) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "m.gguf", 320));
  EXPECT_EQ(files_in(dir), 1u);
  EXPECT_TRUE(fs::exists(dir / "m.gguf"));
}

TEST(GgufSplit, ATensorLargerThanTheLimitGetsAFileOfItsOwn) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "m.gguf", 1));
  EXPECT_EQ(files_in(dir), 5u);
  EXPECT_EQ(Gguf::open(dir / "m-00001-of-00005.gguf")->tensors().size(), 5u);
}

TEST(GgufSplit, NothingIsReplacedAndNothingIsLeftBehind) {
  const TempDir dir;
  dir.put("m-00002-of-00003.gguf", "mine");
  expect_error(write_model(dir / "m.gguf", 128), ErrorCode::kUsage, "m-00002-of-00003.gguf", "exists already");
  EXPECT_EQ(files_in(dir), 1u);
  EXPECT_EQ(read_file(dir / "m-00002-of-00003.gguf").value(), "mine");
}

TEST(GgufSplitBadInput, MissingFile) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "m.gguf", 128));
  fs::remove(dir / "m-00003-of-00003.gguf");
  expect_error(Gguf::open(dir / "m-00001-of-00003.gguf"), ErrorCode::kNotFound, "missing", "m-00003-of-00003.gguf");
}

TEST(GgufSplitBadInput, NotTheFirst) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "m.gguf", 128));
  expect_error(Gguf::open(dir / "m-00002-of-00003.gguf"), ErrorCode::kUsage, "file 2 of 3", "m-00001-of-00003.gguf");
}

TEST(GgufSplitBadInput, RenamedFiles) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "m.gguf", 128));
  fs::copy_file(dir / "m-00001-of-00003.gguf", dir / "other.gguf");
  expect_error(Gguf::open(dir / "other.gguf"), ErrorCode::kCorrupt, "file 1 of 3", "-00001-of-00003.gguf");
  fs::rename(dir / "m-00003-of-00003.gguf", dir / "x");
  fs::rename(dir / "m-00002-of-00003.gguf", dir / "m-00003-of-00003.gguf");
  fs::rename(dir / "x", dir / "m-00002-of-00003.gguf");
  expect_error(Gguf::open(dir / "m-00001-of-00003.gguf"), ErrorCode::kCorrupt, "m-00002-of-00003.gguf", "file 3");
}

/// The files of two splits, of one model or of two, are not one model.
TEST(GgufSplitBadInput, MixedFiles) {
  const TempDir dir;
  fs::create_directory(dir / "other");
  ASSERT_TRUE(write_model(dir / "other/m.gguf", 64));
  ASSERT_TRUE(write_model(dir / "m.gguf", 128));
  fs::copy_file(dir / "other/m-00002-of-00005.gguf", dir / "m-00002-of-00003.gguf",
                fs::copy_options::overwrite_existing);
  expect_error(Gguf::open(dir / "m-00001-of-00003.gguf"), ErrorCode::kCorrupt, "m-00002-of-00003.gguf",
               "'split.count' is not that of");
}

TEST(GgufSplitBadInput, ATensorTwice) {
  const TempDir dir;
  const auto put = [&](const std::string& file, uint64_t no) {
    GgufWriter writer;
    writer.set({std::string(kSplitNoKey), 2, false, no});
    writer.set({std::string(kSplitCountKey), 2, false, uint64_t{2}});
    writer.add_tensor("t", DType::kF32, {1});
    EXPECT_TRUE(writer.begin(dir / file));
    EXPECT_TRUE(writer.write_tensor(std::vector<std::byte>(4)));
    EXPECT_TRUE(writer.finish());
  };
  put("m-00001-of-00002.gguf", 0);
  put("m-00002-of-00002.gguf", 1);
  expect_error(Gguf::open(dir / "m-00001-of-00002.gguf"), ErrorCode::kCorrupt, "m-00002-of-00002.gguf", "'t'",
               "earlier file");
}

TEST(GgufSplitBadInput, NumbersThatMakeNoSense) {
  for (const auto& [no, count] : {std::pair<uint64_t, uint64_t>{3, 3}, {0, 0}, {7, 2}}) {
    const TempDir dir;
    GgufWriter writer;
    writer.set({std::string(kSplitNoKey), 2, false, no});
    writer.set({std::string(kSplitCountKey), 2, false, count});
    ASSERT_TRUE(writer.begin(dir / "m-00001-of-00003.gguf"));
    ASSERT_TRUE(writer.finish());
    expect_error(Gguf::open(dir / "m-00001-of-00003.gguf"), ErrorCode::kCorrupt,
                 fmt::format("file {} of {}", no, count));
  }
}

}  // namespace
}  // namespace adder
