#include "core/formats/hf_writer.h"

#include <gtest/gtest.h>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/hf_directory.h"

namespace adder {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::TempDir;

const HfFiles kFiles = {.config = {{"model_type", "nemotron_h"}, {"hidden_size", 320}},
                        .tokenizer = {{{"version", "1.0"}}},
                        .tokenizer_config = {{{"chat_template", "unused"}}},
                        .generation = {{{"eos_token_id", {2, 11}}}},
                        .chat_template = "{{ template }}"};

Status write_model(const fs::path& path, const HfFiles& files) {
  HfWriter writer;
  writer.weights().add_tensor("w", DType::kI8, {4});
  TRY(writer.begin(path, files));
  TRY(writer.weights().write_tensor(std::as_bytes(std::span("abcd", 4))));
  return writer.finish();
}

TEST(HfWriter, ReadsBack) {
  const TempDir dir;
  const auto status = write_model(dir / "out/model", kFiles);
  ASSERT_TRUE(status) << status.error().message();
  const auto hf = HfDirectory::open(dir / "out/model");
  ASSERT_TRUE(hf) << hf.error().message();
  EXPECT_EQ(hf->config(), kFiles.config);
  EXPECT_EQ(hf->tokenizer(), kFiles.tokenizer);
  EXPECT_EQ(hf->tokenizer_config(), kFiles.tokenizer_config);
  EXPECT_EQ(hf->generation_config(), kFiles.generation);
  EXPECT_EQ(hf->chat_template(), "{{ template }}");
  EXPECT_EQ(hf->find_tensor("w")->data[3], std::byte{'d'});
  EXPECT_EQ(std::distance(fs::directory_iterator(dir / "out"), {}), 1) << "nothing but the model is left";
}

TEST(HfWriter, LeavesOutWhatIsNotGiven) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "model/", {.config = {{"a", 1}}}));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir / "model"), {}), 2);
}

TEST(HfWriter, FillsAnEmptyDirectory) {
  const TempDir dir;
  fs::create_directory(dir / "model");
  EXPECT_TRUE(write_model(dir / "model", kFiles));
}

TEST(HfWriter, NeverTouchesADirectoryWithFiles) {
  const TempDir dir;
  dir.put("model/notes.txt", "mine");
  expect_error(write_model(dir / "model", kFiles), ErrorCode::kUsage, "model: exists already");
  EXPECT_EQ(read_file(dir / "model/notes.txt").value(), "mine");
  dir.put("file", "mine");
  expect_error(write_model(dir / "file", kFiles), ErrorCode::kUsage, "file: exists already");
}

TEST(HfWriter, LeavesNothingWhenNotFinished) {
  const TempDir dir;
  {
    HfWriter writer;
    writer.weights().add_tensor("w", DType::kI8, {4});
    ASSERT_TRUE(writer.begin(dir / "model", kFiles));
    EXPECT_FALSE(fs::exists(dir / "model"));
  }
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(HfWriter, SaysWhereItCannotWrite) {
  const TempDir dir;
  dir.put("file", "");
  expect_error(write_model(dir / "file/model", kFiles), ErrorCode::kIo, "cannot create");
}

}  // namespace
}  // namespace adder
