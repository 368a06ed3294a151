#include "core/formats/hf_directory.h"

#include <gmock/gmock.h>

#include <limits>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/testing/safetensors_bytes.h"

namespace adder {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::expect_error;
using testing::TempDir;

/// A safetensors file with one-byte tensors of these names.
std::string shard(std::initializer_list<std::string_view> names) {
  std::string header;
  size_t at = 0;
  for (const std::string_view name : names) {
    header += fmt::format(R"({}"{}":{{"dtype":"I8","shape":[1],"data_offsets":[{},{}]}})", header.empty() ? "{" : ",",
                          name, at, at + 1);
    ++at;
  }
  return testing::safetensors_file(header + "}", at);
}

/// A directory with a config and an index of this weight map.
void put_index(const TempDir& dir, std::string_view weight_map) {
  dir.put("config.json", R"({"model_type": "nemotron_h"})");
  dir.put("model.safetensors.index.json", fmt::format(R"({{"metadata": {{}}, "weight_map": {}}})", weight_map));
}

std::vector<std::string> names(const HfDirectory& hf) {
  std::vector<std::string> names;
  for (const auto& tensor : hf.tensors()) names.push_back(tensor.name);
  return names;
}

TEST(HfDirectory, ReadsOneFileAndItsTexts) {
  const TempDir dir;
  dir.put("config.json", R"({"model_type": "nemotron_h"})");
  dir.put("model.safetensors", shard({"a", "b"}));
  dir.put("tokenizer.json", R"({"model": {}})");
  dir.put("tokenizer_config.json", R"({"chat_template": "from the config"})");
  dir.put("generation_config.json", R"({"eos_token_id": [2, 11]})");
  const auto hf = HfDirectory::open(dir.path());
  ASSERT_TRUE(hf) << hf.error().message();
  EXPECT_EQ(hf->path(), dir.path());
  EXPECT_EQ(hf->config().at("model_type"), "nemotron_h");
  EXPECT_TRUE(hf->tokenizer()->contains("model"));
  EXPECT_EQ(hf->generation_config()->at("eos_token_id").size(), 2u);
  EXPECT_EQ(hf->chat_template(), "from the config");
  EXPECT_THAT(names(*hf), ElementsAre("a", "b"));
  EXPECT_NE(hf->find_tensor("b"), nullptr);
  EXPECT_EQ(hf->find_tensor("c"), nullptr);
}

TEST(HfDirectory, DoesWithoutSideFiles) {
  const TempDir dir;
  dir.put("config.json", "{}");
  dir.put("model.safetensors", shard({"a"}));
  const auto hf = HfDirectory::open(dir.path());
  ASSERT_TRUE(hf) << hf.error().message();
  EXPECT_FALSE(hf->tokenizer() || hf->tokenizer_config() || hf->generation_config() || hf->chat_template());
}

TEST(HfDirectory, ReadsWhatPythonWrites) {
  const TempDir dir;
  dir.put("config.json", R"({"time_step_limit": [0.0, Infinity]})");
  dir.put("model.safetensors", shard({"a"}));
  const auto hf = HfDirectory::open(dir.path());
  ASSERT_TRUE(hf) << hf.error().message();
  EXPECT_EQ(hf->config().at("time_step_limit").at(1), std::numeric_limits<double>::infinity());
}

TEST(HfDirectory, TakesTheTemplateFromItsOwnFileFirst) {
  const TempDir dir;
  dir.put("config.json", "{}");
  dir.put("model.safetensors", shard({"a"}));
  dir.put("tokenizer_config.json", R"({"chat_template": [{"name": "tool_use", "template": "t"},
                                                        {"name": "default", "template": "d"}]})");
  EXPECT_EQ(HfDirectory::open(dir.path()).value().chat_template(), "d");
  dir.put("chat_template.jinja", "{{ own }}");
  EXPECT_EQ(HfDirectory::open(dir.path()).value().chat_template(), "{{ own }}");
}

TEST(HfDirectory, IgnoresTemplatesOfAnotherShape) {
  const TempDir dir;
  dir.put("config.json", "{}");
  dir.put("model.safetensors", shard({"a"}));
  for (const char* text :
       {R"({"chat_template": 7})", R"({"chat_template": [1, {"name": 2}, {"name": "default"}]})", "[]"}) {
    dir.put("tokenizer_config.json", text);
    const auto hf = HfDirectory::open(dir.path());
    ASSERT_TRUE(hf) << hf.error().message();
    EXPECT_FALSE(hf->chat_template());
  }
}

TEST(HfDirectory, JoinsShards) {
  const TempDir dir;
  put_index(dir, R"({"a": "2.safetensors", "b": "1.safetensors", "c": "1.safetensors"})");
  dir.put("1.safetensors", shard({"c", "b"}));
  dir.put("2.safetensors", shard({"a"}));
  const auto hf = HfDirectory::open(dir.path());
  ASSERT_TRUE(hf) << hf.error().message();
  EXPECT_THAT(names(*hf), ElementsAre("c", "b", "a"));
  EXPECT_EQ(hf->find_tensor("a")->data[0], std::byte{1});
}

TEST(HfDirectory, FollowsTheLinksOfTheHubCache) {
  const TempDir dir;
  dir.put("models--x/blobs/0123", shard({"a"}));
  const std::string revision = "models--x/snapshots/abc/";
  dir.put(revision + "config.json", "{}");
  dir.put(revision + "model.safetensors.index.json", R"({"weight_map": {"a": "s.safetensors"}})");
  fs::create_symlink("../../blobs/0123", dir / (revision + "s.safetensors"));
  const auto hf = HfDirectory::open(dir / revision);
  EXPECT_TRUE(hf) << hf.error().message();
}

TEST(HfDirectoryBadInput, NoConfig) {
  const TempDir dir;
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kNotFound, dir.path().string(), "no config.json");
  expect_error(HfDirectory::open(dir / "nowhere"), ErrorCode::kNotFound, "nowhere", "no config.json");
}

TEST(HfDirectoryBadInput, ConfigIsNotAnObject) {
  const TempDir dir;
  dir.put("config.json", "[1]");
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kCorrupt, "config.json", "expected an object, found array");
  dir.put("config.json", "{");
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kCorrupt, "config.json", "not JSON");
}

TEST(HfDirectoryBadInput, DuplicateConfigKey) {
  const TempDir dir;
  dir.put("config.json", R"({"hidden_size": 320, "hidden_size": 640})");
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kCorrupt, "config.json", "'hidden_size' is there twice");
}

TEST(HfDirectoryBadInput, BrokenSideFile) {
  const TempDir dir;
  dir.put("config.json", "{}");
  dir.put("tokenizer.json", "{\"model\":");
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kCorrupt, "tokenizer.json", "not JSON at byte");
}

TEST(HfDirectoryBadInput, NoWeights) {
  const TempDir dir;
  dir.put("config.json", "{}");
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kNotFound, "neither model.safetensors nor");
}

TEST(HfDirectoryBadInput, BrokenWeights) {
  const TempDir dir;
  dir.put("config.json", "{}");
  dir.put("model.safetensors", "short");
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kCorrupt, "model.safetensors", "truncated");
}

TEST(HfDirectoryBadInput, IndexWithoutAMap) {
  const TempDir dir;
  put_index(dir, "[]");
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kCorrupt, "index.json", "'weight_map'");
  dir.put("model.safetensors.index.json", "{}");
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kCorrupt, "index.json", "'weight_map'");
}

TEST(HfDirectoryBadInput, IndexNamesNoFile) {
  const TempDir dir;
  put_index(dir, R"({"a": 1})");
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kCorrupt, "tensor 'a': expected a file name, found number");
  put_index(dir, R"({"a": ""})");
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kCorrupt, "shard ''");
}

TEST(HfDirectoryBadInput, DuplicateTensorInTheIndex) {
  const TempDir dir;
  put_index(dir, R"({"a": "1.safetensors", "a": "2.safetensors"})");
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kCorrupt, "index.json", "'a' is there twice");
}

TEST(HfDirectoryBadInput, ShardPathsThatLeaveTheDirectory) {
  const TempDir dir;
  dir.put("outside.safetensors", shard({"a"}));
  const auto inside = (dir / "outside.safetensors").string();
  for (const std::string& path :
       {std::string("../outside.safetensors"), std::string("x/../../outside.safetensors"), inside}) {
    dir.put("model/config.json", "{}");
    dir.put("model/model.safetensors.index.json", fmt::format(R"({{"weight_map": {{"a": "{}"}}}})", path));
    expect_error(HfDirectory::open(dir / "model"), ErrorCode::kCorrupt, "expected a file name inside the directory");
  }
}

TEST(HfDirectoryBadInput, ShardLinkThatLeavesTheDirectory) {
  const TempDir dir;
  dir.put("outside.safetensors", shard({"a"}));
  dir.put("model/config.json", "{}");
  dir.put("model/model.safetensors.index.json", R"({"weight_map": {"a": "s.safetensors"}})");
  fs::create_symlink("../outside.safetensors", dir / "model/s.safetensors");
  expect_error(HfDirectory::open(dir / "model"), ErrorCode::kCorrupt, "'s.safetensors' is a link that leaves");
}

TEST(HfDirectoryBadInput, MissingShard) {
  const TempDir dir;
  put_index(dir, R"({"a": "1.safetensors"})");
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kNotFound, "index.json", "shard '1.safetensors' is missing");
}

TEST(HfDirectoryBadInput, TensorMissingFromItsShard) {
  const TempDir dir;
  put_index(dir, R"({"a": "1.safetensors", "b": "1.safetensors"})");
  dir.put("1.safetensors", shard({"a"}));
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kCorrupt, "tensor 'b' is missing from its shard '1.safe");
}

TEST(HfDirectoryBadInput, TensorInAnotherShard) {
  const TempDir dir;
  put_index(dir, R"({"a": "1.safetensors", "b": "2.safetensors", "c": "1.safetensors"})");
  dir.put("1.safetensors", shard({"a"}));
  dir.put("2.safetensors", shard({"b", "c"}));
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kCorrupt, "tensor 'c' is missing from its shard '1.safe");
}

TEST(HfDirectoryBadInput, TensorInTwoShards) {
  const TempDir dir;
  put_index(dir, R"({"a": "1.safetensors", "b": "2.safetensors"})");
  dir.put("1.safetensors", shard({"a"}));
  dir.put("2.safetensors", shard({"b", "a"}));
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kCorrupt, "tensor 'a' is in two shards", "'1.safetensors'",
               "'2.safetensors'");
}

TEST(HfDirectoryBadInput, TensorThatTheIndexDoesNotName) {
  const TempDir dir;
  put_index(dir, R"({"a": "1.safetensors"})");
  dir.put("1.safetensors", shard({"a", "z"}));
  expect_error(HfDirectory::open(dir.path()), ErrorCode::kCorrupt, "tensor 'z' of shard '1.safetensors'",
               "not in the index");
}

}  // namespace
}  // namespace adder
