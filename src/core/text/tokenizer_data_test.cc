// Published vocabularies with the ids their own tokenizers gave, in ADDER_DATA/tokenizer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/base/atomic_file.h"
#include "core/text/tekken_test.h"
#include "core/text/tokenizer.h"
#include "core/text/tokenizer_io.h"

namespace adder {
namespace {

std::vector<std::string> split_text(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end = 0; end != std::string::npos; begin = end + separator.size()) {
    end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
  }
  return parts;
}

std::string read(const std::filesystem::path& path) {
  const auto text = read_file(path);
  EXPECT_TRUE(text) << text.error().message();
  return text.value_or("");
}

class PublishedVocabulary : public testing::TestWithParam<const char*> {};

/// .inp: strings between lines of __ggml_vocab_test__; .out: a line of ids for each.
TEST_P(PublishedVocabulary, GivesThePublishedIds) {
  const char* data = std::getenv("ADDER_DATA");
  if (data == nullptr) GTEST_SKIP() << "ADDER_DATA is not set";
  const std::string base = fmt::format("{}/tokenizer/ggml-vocab-{}.gguf", data, GetParam());
  const auto file = Gguf::open(base);
  ASSERT_TRUE(file) << file.error().message();
  auto from_file = tokenizer_from_gguf(*file);
  ASSERT_TRUE(from_file) << from_file.error().message();
  const auto tokenizer = Tokenizer::from_data(std::move(*from_file));
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();

  const auto texts = split_text(read(base + ".inp"), "\n__ggml_vocab_test__\n");
  const auto lines = split_text(read(base + ".out"), "\n");
  ASSERT_GE(lines.size(), texts.size());
  ASSERT_GT(texts.size(), 30u);
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto ids = tokenizer->encode(texts[i], {.add_bos = false});
    std::string found;
    for (const TokenId id : ids) found += fmt::format(" {}", id);
    EXPECT_EQ(found, lines[i]) << "text " << i << ": " << testing::PrintToString(texts[i]);
    EXPECT_EQ(tokenizer->decode(ids), texts[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Names, PublishedVocabulary,
                         testing::Values("gpt-2", "deepseek-llm", "deepseek-coder", "falcon", "mpt"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Tekken, GivesThePublishedIds) {
  const char* folder = std::getenv("ADDER_DATA");
  if (folder == nullptr) GTEST_SKIP() << "ADDER_DATA is not set";
  auto data = tekken_data(folder);
  ASSERT_TRUE(data) << data.error().message();
  EXPECT_EQ(data->tokens.size(), 131072u);
  EXPECT_EQ(data->merges.size(), 269443u) << "as many as the family's files have";

  const std::string path = std::string(folder) + "/tokenizer/tekken_240718.vectors.json";
  const auto vectors = parse_json(read(path), path);
  ASSERT_TRUE(vectors) << vectors.error().message();
  ASSERT_GT(vectors->size(), 10u);
  for (const bool ignore_merges : {true, false}) {
    data->ignore_merges = ignore_merges;
    const auto tokenizer = Tokenizer::from_data(*data);
    ASSERT_TRUE(tokenizer) << tokenizer.error().message();
    for (const nlohmann::json& vector : *vectors) {
      const std::string text = vector["text"];
      const auto ids = tokenizer->encode(text);
      EXPECT_EQ(ids, vector["ids"].get<std::vector<TokenId>>()) << testing::PrintToString(text);
      EXPECT_EQ(tokenizer->decode(ids), text);
    }
  }
}

}  // namespace
}  // namespace adder
