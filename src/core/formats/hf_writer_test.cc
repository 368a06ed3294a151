#include "core/formats/hf_writer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

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
                        .chat_template = "{{ template }}",
                        .quant_config = {{{"producer", {{"name", "modelopt"}}}}}};

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
  EXPECT_EQ(hf->quant_config(), kFiles.quant_config);
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

/// Name -> bytes of the files right below a directory.
std::map<std::string, std::string> contents(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(directory))
    files[entry.path().filename().string()] = entry.is_directory() ? "a directory" : read_file(entry.path()).value();
  return files;
}

TEST(HfWriter, ReplacesItsOwnFilesAndNoOthers) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "fresh", kFiles));
  dir.put("model/notes.txt", "mine");
  dir.put("model/logs/1.txt", "mine");
  dir.put("model/config.json", "old");
  dir.put("model/chat_template.jinja", "old");
  dir.put("model/model.safetensors", "old and longer than the new one");
  for (int again = 0; again < 2; ++again) {
    const auto status = write_model(dir / "model/", kFiles);
    ASSERT_TRUE(status) << status.error().message();
    auto expected = contents(dir / "fresh");
    expected["notes.txt"] = "mine";
    expected["logs"] = "a directory";
    EXPECT_EQ(contents(dir / "model"), expected);
  }
  EXPECT_EQ(read_file(dir / "model/logs/1.txt").value(), "mine");
}

/// They are there from the moment at which the new model is, and are the same files.
TEST(HfWriter, LinksOtherFilesBeforeItReplaces) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "model", kFiles));
  dir.put("model/logs/old/1.txt", "mine");
  fs::create_symlink("nowhere", dir / "model/link");
  struct stat before {
  }, after{};
  ASSERT_EQ(::stat((dir / "model/logs/old/1.txt").c_str(), &before), 0);
  ASSERT_TRUE(write_model(dir / "model", kFiles));
  ASSERT_EQ(::stat((dir / "model/logs/old/1.txt").c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_EQ(after.st_nlink, 1u) << "the old name is gone";
  EXPECT_EQ(fs::read_symlink(dir / "model/link"), "nowhere");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1);
}

/// A killed program of the same process number left its hidden directory; what lies in it is not ours to remove.
TEST(HfWriter, TakesAnotherNameBesideALeftover) {
  const TempDir dir;
  const std::string leftover = fmt::format(".model.adder-{}", ::getpid());
  dir.put(leftover + "/tokenizer.json", "half");
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(write_model(dir / "model", kFiles));
  EXPECT_TRUE(HfDirectory::open(dir / "model"));
  EXPECT_EQ(read_file(dir / leftover / "tokenizer.json").value(), "half");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 2);
}

TEST(HfWriter, NeverMixesTwoModels) {
  const HfFiles no_texts = {.config = {{"a", 1}}};
  for (const char* name :
       {"model-00001-of-00002.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "tokenizer.json",
        "tokenizer_config.json", "generation_config.json", "chat_template.jinja"}) {
    const TempDir dir;
    dir.put(fmt::format("model/{}", name), "of another model");
    expect_error(write_model(dir / "model", no_texts), ErrorCode::kUsage, name, "mix");
    EXPECT_EQ(contents(dir / "model"), (std::map<std::string, std::string>{{name, "of another model"}}));
  }
}

TEST(HfWriter, RefusesATargetThatIsNoDirectory) {
  const TempDir dir;
  dir.put("file", "mine");
  expect_error(write_model(dir / "file", kFiles), ErrorCode::kUsage, "file: exists and is no directory");
  EXPECT_EQ(read_file(dir / "file").value(), "mine");
  dir.put("model/config.json/x", "mine");
  expect_error(write_model(dir / "model", kFiles), ErrorCode::kUsage, "config.json: a directory");
}

TEST(HfWriter, LeavesTheOldModelWhenNotFinished) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "model", kFiles));
  const auto before = contents(dir / "model");
  {
    HfWriter writer;
    writer.weights().add_tensor("w", DType::kI8, {8});
    ASSERT_TRUE(writer.begin(dir / "model", {.config = {{"b", 2}},
                                             .tokenizer = {{{"v", 2}}},
                                             .tokenizer_config = {{}},
                                             .generation = {{}},
                                             .chat_template = "new",
                                             .quant_config = {{}}}));
    EXPECT_EQ(HfDirectory::open(dir / "model").value().config(), kFiles.config);
  }
  EXPECT_EQ(contents(dir / "model"), before);
}

/// Until the last step the name stands for the old model, and then for the new one; a link to it stays a link.
TEST(HfWriter, ReplacesADirectoryInOneStep) {
  const TempDir dir;
  ASSERT_TRUE(write_model(dir / "model", kFiles));
  const auto before = contents(dir / "model");
  fs::create_directory_symlink("model", dir / "link");
  HfWriter writer;
  writer.weights().add_tensor("w", DType::kI8, {4});
  ASSERT_TRUE(writer.begin(dir / "link", kFiles));
  ASSERT_TRUE(writer.weights().write_tensor(std::as_bytes(std::span("efgh", 4))));
  EXPECT_EQ(contents(dir / "model"), before);
  ASSERT_TRUE(writer.finish());
  EXPECT_NE(contents(dir / "model"), before);
  EXPECT_TRUE(fs::is_symlink(dir / "link"));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 2) << "no trace of the old one";
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
