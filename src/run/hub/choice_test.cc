#include "run/hub/choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace adder {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Repository repository_of(std::vector<std::string> paths) {
  std::ranges::sort(paths);
  Repository repository{std::string(40, 'c'), {}};
  for (const std::string& path : paths)
    repository.files.push_back({path, 1'000'000, DigestKind::kGitBlob, std::string(40, 'b')});
  return repository;
}

std::vector<std::string> paths(const Result<Choice>& choice) {
  std::vector<std::string> list;
  EXPECT_TRUE(choice) << choice.error().message();
  if (choice)
    for (const RemoteFile& file : choice->files) list.push_back(file.path);
  return list;
}

/// The types that publishers of GGUF files spell in one of these ways.
TEST(Choice, TheTypeIsAWordOfTheName) {
  const Repository repository =
      repository_of({"README.md", "Nano-4B-Q4_K_M.gguf", "Nano-4B-IQ4_K_M.gguf", "Nano-4B.q5_k_m.gguf",
                     "nano_Q8_0.gguf", "Nano-4B-Q4_K.gguf", "Nano-4B-UD-Q6_K_XL.gguf", "BF16/nano.gguf"});
  EXPECT_THAT(paths(choose(repository, "Q4_K_M")), ElementsAre("Nano-4B-Q4_K_M.gguf"));
  EXPECT_THAT(paths(choose(repository, "q4_k_m")), ElementsAre("Nano-4B-Q4_K_M.gguf"));
  EXPECT_THAT(paths(choose(repository, "Q4_K")), ElementsAre("Nano-4B-Q4_K.gguf"));
  EXPECT_THAT(paths(choose(repository, "IQ4_K_M")), ElementsAre("Nano-4B-IQ4_K_M.gguf"));
  EXPECT_THAT(paths(choose(repository, "Q5_K_M")), ElementsAre("Nano-4B.q5_k_m.gguf"));
  EXPECT_THAT(paths(choose(repository, "Q8_0")), ElementsAre("nano_Q8_0.gguf"));
  EXPECT_THAT(paths(choose(repository, "UD-Q6_K_XL")), ElementsAre("Nano-4B-UD-Q6_K_XL.gguf"));
  EXPECT_THAT(paths(choose(repository, "Q6_K_XL")), ElementsAre("Nano-4B-UD-Q6_K_XL.gguf"));
  EXPECT_THAT(paths(choose(repository, "BF16")), ElementsAre("BF16/nano.gguf"));
  for (const std::string none : {"Q4_K_S", "Q6_K", "4_K_M", "K_M", "README"})
    EXPECT_EQ(choose(repository, none).error().code(), ErrorCode::kNotFound) << none;
}

TEST(Choice, WithoutATypeItIsTheOnlyOneOrTheUsualOne) {
  const auto only = choose(repository_of({"config.json", "n-Q8_0.gguf", "n.safetensors"}), "");
  EXPECT_THAT(paths(only), ElementsAre("n-Q8_0.gguf"));
  EXPECT_EQ(only->type, "Q8_0");
  EXPECT_EQ(only->entry, "n-Q8_0.gguf");
  EXPECT_THAT(paths(choose(repository_of({"n-Q8_0.gguf", "n-Q4_K_M.gguf"}), "")), ElementsAre("n-Q4_K_M.gguf"));
  const auto several = choose(repository_of({"n-Q8_0.gguf", "n-Q6_K.gguf"}), "");
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().code(), ErrorCode::kUsage);
  EXPECT_THAT(several.error().message(), AllOf(HasSubstr("'n-Q6_K.gguf' (1000.0 kB)"), HasSubstr("'n-Q8_0.gguf'")));
}

TEST(Choice, WhatIsNoLanguageModelCountsOnlyByName) {
  const Repository repository = repository_of({"mmproj-BF16.gguf", "n-BF16.gguf", "n.imatrix.gguf"});
  EXPECT_THAT(paths(choose(repository, "")), ElementsAre("n-BF16.gguf"));
  EXPECT_THAT(paths(choose(repository, "BF16")), ElementsAre("n-BF16.gguf"));
  EXPECT_THAT(paths(choose(repository, "mmproj-BF16.gguf")), ElementsAre("mmproj-BF16.gguf"));
  EXPECT_THAT(paths(choose(repository, "mmproj-bf16")), ElementsAre("mmproj-BF16.gguf"));
}

TEST(Choice, SplitFilesStayTogether) {
  const auto split = choose(repository_of({"q8/n-Q8_0-00002-of-00003.gguf", "q8/n-Q8_0-00001-of-00003.gguf",
                                           "q8/n-Q8_0-00003-of-00003.gguf", "n-Q4_K_S.gguf"}),
                            "Q8_0");
  EXPECT_THAT(paths(split), ElementsAre("q8/n-Q8_0-00001-of-00003.gguf", "q8/n-Q8_0-00002-of-00003.gguf",
                                        "q8/n-Q8_0-00003-of-00003.gguf"));
  EXPECT_EQ(split->entry, "q8/n-Q8_0-00001-of-00003.gguf");
  EXPECT_EQ(split->type, "Q8_0");

  for (const std::vector<std::string>& broken :
       {std::vector<std::string>{"n-00001-of-00003.gguf", "n-00003-of-00003.gguf"},
        {"n-00001-of-00002.gguf"},
        {"n-00000-of-00001.gguf"},
        {"n-00002-of-00002.gguf"},
        {"n-00000-of-00000.gguf"}}) {
    const auto choice = choose(repository_of(broken), "");
    ASSERT_FALSE(choice) << broken.front();
    EXPECT_EQ(choice.error().code(), ErrorCode::kCorrupt);
    EXPECT_THAT(choice.error().message(), HasSubstr("missing"));
  }
}

TEST(Choice, AmbiguityListsTheChoicesAndANameInFullSettlesIt) {
  const Repository repository = repository_of({"n-Q4_K_M.gguf", "n-UD-Q4_K_M.gguf"});
  const auto both = choose(repository, "Q4_K_M");
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code(), ErrorCode::kUsage);
  EXPECT_THAT(both.error().message(), AllOf(HasSubstr("'n-Q4_K_M.gguf'"), HasSubstr("'n-UD-Q4_K_M.gguf'")));
  EXPECT_EQ(choose(repository, "").error().code(), ErrorCode::kUsage);
  for (const std::string full : {"n-Q4_K_M.gguf", "n-Q4_K_M", "N-q4_k_m"})
    EXPECT_THAT(paths(choose(repository, full)), ElementsAre("n-Q4_K_M.gguf")) << full;
}

/// `adder list` prints the type, people type it again.
TEST(Choice, ItsTypeFindsItAgain) {
  const Repository repository =
      repository_of({"n-Q4_K_M.gguf", "n-UD-Q4_K_M.gguf", "n-Q8_0.gguf", "plain.gguf", "a/twin-00001-of-00001.gguf",
                     "twin.gguf", "mmproj-F16.gguf", "config.json", "model.safetensors"});
  for (const auto& [asked, type] :
       std::map<std::string, std::string>{{"n-Q4_K_M", "n-Q4_K_M"},
                                          {"UD-Q4_K_M", "n-UD-Q4_K_M"},
                                          {"q8_0", "Q8_0"},
                                          {"plain", "plain"},
                                          {"twin-00001-of-00001.gguf", "twin-00001-of-00001.gguf"},
                                          {"mmproj-F16", "mmproj-F16"},
                                          {"SafeTensors", "safetensors"}}) {
    const auto choice = choose(repository, asked);
    ASSERT_TRUE(choice) << asked << choice.error().message();
    EXPECT_EQ(choice->type, type);
    EXPECT_EQ(paths(choose(repository, choice->type)), paths(choice));
  }
}

TEST(Choice, ADirectoryIsConfigTokenizerAndWeights) {
  const auto choice =
      choose(repository_of({"README.md", "LICENSE", "config.json", "generation_config.json", "tokenizer.json",
                            "tokenizer.model", "chat_template.jinja", "model.safetensors.index.json",
                            "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                            "consolidated.safetensors", "modeling_nano.py", "original/weights.safetensors"}),
             "");
  EXPECT_THAT(paths(choice), ElementsAre("chat_template.jinja", "config.json", "generation_config.json",
                                         "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                                         "model.safetensors.index.json", "tokenizer.json", "tokenizer.model"));
  EXPECT_EQ(choice->entry, "");
  EXPECT_EQ(choose(repository_of({"README.md"}), "").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(choose(repository_of({"config.json"}), "").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(choose(repository_of({"model.safetensors"}), "safetensors").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace adder
