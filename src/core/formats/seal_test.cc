#include "core/formats/seal.h"

#include <gtest/gtest.h>

#include "core/base/hash.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/gguf_writer.h"
#include "core/formats/hf_writer.h"

namespace adder {
namespace {

using testing::expect_error;
using testing::TempDir;

const std::string kData = "The bytes of a tensor, which are what it is all about.";

void write_gguf(const std::filesystem::path& path, uint64_t split = 0) {
  GgufWriter writer;
  writer.set("general.architecture", "nemotron_h");
  writer.set_texts("tokens", {"a", "b", "c"});
  writer.seal();
  writer.split(split);
  const auto bytes = std::as_bytes(std::span(kData));
  writer.add_tensor("whole", DType::kI8, {50});
  writer.add_tensor("part", DType::kI8, {9});
  ASSERT_TRUE(writer.begin(path));
  ASSERT_TRUE(writer.write_tensor(bytes.first(50)));
  ASSERT_TRUE(writer.write_tensor(bytes.first(9)));
  ASSERT_TRUE(writer.finish());
}

void write_directory(const std::filesystem::path& path) {
  HfWriter writer;
  writer.seal();
  writer.weights().add_tensor("whole", DType::kI8, {50});
  ASSERT_TRUE(writer.begin(path, {.config = {{"model_type", "nemotron_h"}}, .chat_template = "{{ x }}"}));
  ASSERT_TRUE(writer.weights().write_tensor(std::as_bytes(std::span(kData)).first(50)));
  ASSERT_TRUE(writer.finish({{"adder", "0"}}));
}

/// What a reader of the whole model would say: nothing, or where the damage is.
std::string damage_in(const std::filesystem::path& path) {
  const auto file = ModelFile::open(path);
  if (!file) return file.error().message();
  auto seal = read_seal(*file);
  if (!seal) return seal.error().message();
  if (!*seal) return "no seal";
  if (!(*seal)->damage.empty()) return (*seal)->damage.front();
  for (const NamedTensor& tensor : file->tensors())
    if ((*seal)->tensor_hashes[tensor.name] != hash128_hex(tensor.view.span())) return "tensor " + tensor.name;
  return "";
}

TEST(Seal, AWholeFileIsWhole) {
  const TempDir dir;
  write_gguf(dir / "m.gguf");
  EXPECT_EQ(damage_in(dir / "m.gguf"), "");
  write_gguf(dir / "s.gguf", 64);
  EXPECT_EQ(damage_in(dir / "s-00001-of-00002.gguf"), "");
  write_directory(dir / "hf");
  EXPECT_EQ(damage_in(dir / "hf"), "");
}

TEST(Seal, HashesAreXxh3OfTheStoredBytes) {
  const TempDir dir;
  write_gguf(dir / "m.gguf");
  const auto gguf = Gguf::open(dir / "m.gguf");
  const auto hashes = gguf->texts(kTensorHashesKey).value();
  ASSERT_EQ(hashes.size(), 2u);
  EXPECT_EQ(hashes[1], hash128_hex(std::as_bytes(std::span("The bytes", 9))));
}

TEST(Seal, EveryFlippedBitOfAGgufFileIsFound) {
  const TempDir dir;
  write_gguf(dir / "m.gguf");
  const std::string whole = read_file(dir / "m.gguf").value();
  const auto file = Gguf::open(dir / "m.gguf");
  const auto offset = [&](std::string_view name) {
    return static_cast<size_t>(file->find_tensor(name)->data - file->bytes().data());
  };
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string spoiled = whole;
    spoiled[bit / 8] = static_cast<char>(spoiled[bit / 8] ^ (1 << bit % 8));
    // Written over the file, not beside it: a rename each would take the test's time.
    std::FILE* out = std::fopen((dir / "x.gguf").c_str(), "wb");
    std::fwrite(spoiled.data(), 1, spoiled.size(), out);
    std::fclose(out);
    const std::string found = damage_in(dir / "x.gguf");
    EXPECT_FALSE(found.empty() || found == "no seal") << "bit " << bit;
    if (bit / 8 >= offset("whole") && bit / 8 < offset("whole") + 50) {
      EXPECT_EQ(found, "tensor whole");
    }
    if (bit / 8 >= offset("part") && bit / 8 < offset("part") + 9) {
      EXPECT_EQ(found, "tensor part");
    }
  }
}

TEST(Seal, EveryFlippedBitOfADirectoryIsFound) {
  const TempDir dir;
  write_directory(dir / "hf");
  for (const char* name : {"config.json", "chat_template.jinja", "model.safetensors", "adder-receipt.json"}) {
    const std::string whole = read_file(dir / fmt::format("hf/{}", name)).value();
    for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
      std::string spoiled = whole;
      spoiled[bit / 8] = static_cast<char>(spoiled[bit / 8] ^ (1 << bit % 8));
      std::FILE* out = std::fopen((dir / fmt::format("hf/{}", name)).c_str(), "wb");
      std::fwrite(spoiled.data(), 1, spoiled.size(), out);
      std::fclose(out);
      const std::string found = damage_in(dir / "hf");
      EXPECT_FALSE(found.empty() || found == "no seal") << name << " bit " << bit;
    }
    dir.put(fmt::format("hf/{}", name), whole);
  }
}

TEST(Seal, CutAndGrownFilesAreFound) {
  const TempDir dir;
  write_gguf(dir / "m.gguf");
  const std::string whole = read_file(dir / "m.gguf").value();
  for (const std::string& spoiled : {whole + "x", whole + std::string(64, '\0'), whole.substr(0, whole.size() - 32)}) {
    dir.put("x.gguf", spoiled);
    EXPECT_NE(damage_in(dir / "x.gguf"), "");
  }
}

TEST(Seal, AMissingTextIsFound) {
  const TempDir dir;
  write_directory(dir / "hf");
  std::filesystem::remove(dir / "hf/chat_template.jinja");
  EXPECT_NE(damage_in(dir / "hf").find("chat_template.jinja"), std::string::npos);
}

TEST(Seal, OthersFilesHaveNone) {
  const TempDir dir;
  GgufWriter writer;
  writer.set("general.architecture", "nemotron_h");
  ASSERT_TRUE(writer.begin(dir / "m.gguf"));
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(damage_in(dir / "m.gguf"), "no seal");
}

TEST(SealBadInput, WhatIsNoSeal) {
  const TempDir dir;
  GgufWriter writer;
  writer.set(std::string(kHeaderHashKey), std::string(kBlankHash));
  ASSERT_TRUE(writer.begin(dir / "m.gguf"));
  ASSERT_TRUE(writer.finish());
  expect_error(read_seal(*ModelFile::open(dir / "m.gguf")), ErrorCode::kNotFound, "adder.receipt.tensor_hashes");
  for (const std::string text : {"[]", "{}", "{\"seal\": 7}", "{\"seal\": \"00\"}"}) {
    write_directory(dir / "hf");
    dir.put("hf/adder-receipt.json", text);
    EXPECT_NE(damage_in(dir / "hf"), "") << text;
  }
}

}  // namespace
}  // namespace adder
