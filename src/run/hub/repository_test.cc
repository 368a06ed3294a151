#include "run/hub/repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adder {
namespace {

using testing::HasSubstr;

const std::string kCommit(40, 'c'), kBlob(40, 'b'), kSha(64, 'a');

std::string answer(const std::string& siblings) {
  return fmt::format(R"({{"id": "a/b", "sha": "{}", "siblings": [{}], "tags": []}})", kCommit, siblings);
}
std::string small(const std::string& path) {
  return fmt::format(R"({{"rfilename": "{}", "size": 5, "blobId": "{}"}})", path, kBlob);
}

TEST(Repository, ListsFilesByPathWithTheirDigests) {
  const auto repository = parse_repository(
      answer(small("z/config.json") + fmt::format(R"(, {{"rfilename": "m.gguf", "size": 7, "blobId": "{}",
                              "lfs": {{"sha256": "{}", "size": 7000000000, "pointerSize": 134}}}})",
                                                  kBlob, kSha)),
      "here");
  ASSERT_TRUE(repository) << repository.error().message();
  EXPECT_EQ(repository->commit, kCommit);
  const std::vector<RemoteFile> expected = {{"m.gguf", 7'000'000'000, DigestKind::kSha256, kSha},
                                            {"z/config.json", 5, DigestKind::kGitBlob, kBlob}};
  EXPECT_EQ(repository->files, expected);
  EXPECT_EQ(repository->find("m.gguf"), &repository->files[0]);
  EXPECT_EQ(repository->find("config.json"), nullptr);
}

TEST(Repository, WhatIsNoListingIsRefused) {
  const std::vector<std::string> bad = {
      "",
      "<html>busy</html>",
      "[]",
      "null",
      "{}",
      R"({"sha": "main", "siblings": []})",
      R"({"sha": 7, "siblings": []})",
      fmt::format(R"({{"sha": "{}"}})", kCommit),
      fmt::format(R"({{"sha": "{}", "siblings": {{}}}})", kCommit),
      answer("7"),
      answer(R"({"rfilename": "a"})"),
      answer(fmt::format(R"({{"rfilename": "a", "size": 5}})")),
      answer(fmt::format(R"({{"rfilename": "a", "size": -5, "blobId": "{}"}})", kBlob)),
      answer(fmt::format(R"({{"rfilename": "a", "size": 1.5, "blobId": "{}"}})", kBlob)),
      answer(fmt::format(R"({{"rfilename": "a", "size": 9223372036854775807, "blobId": "{}"}})", kBlob)),
      answer(fmt::format(R"({{"rfilename": "a", "size": 5, "blobId": "{}"}})", kSha)),
      answer(fmt::format(R"({{"rfilename": "a", "size": 5, "blobId": "{}", "lfs": {{"size": 5}}}})", kBlob)),
      answer(small("a") + "," + small("a")),
  };
  for (const std::string& json : bad) {
    const auto repository = parse_repository(json, "the-source");
    ASSERT_FALSE(repository) << json;
    EXPECT_EQ(repository.error().code(), ErrorCode::kCorrupt) << json;
    EXPECT_THAT(repository.error().message(), HasSubstr("the-source"));
  }
}

TEST(Repository, PathsThatLeaveTheFolderAreRefused) {
  for (const std::string path : {"", "/etc/passwd", "..", "../x", "a/../../x", "a//b", "a/", "./a", "a/.", "a\\\\b",
                                 "a\\u0000b", "a\\nb", "a\\u007f"})
    EXPECT_FALSE(parse_repository(answer(small(path)), "here")) << path;
  for (const std::string path : {"a", ".gitattributes", "a/b c/d.gguf", "..a", "a..", "\xc3\xa4.gguf"})
    EXPECT_TRUE(parse_repository(answer(small(path)), "here")) << path;
  EXPECT_TRUE(is_safe_path(std::string(255, 'a')));
  EXPECT_FALSE(is_safe_path(std::string(256, 'a')));
  EXPECT_FALSE(is_safe_path("\xff"));
  std::string deep = "a";
  while (deep.size() <= 1024) deep += "/a";
  EXPECT_FALSE(is_safe_path(deep));
}

/// As huggingface_hub writes them: urllib.parse.quote of the revision with safe="", of the path with safe="/".
TEST(Repository, UrlsAreEscaped) {
  HubReference reference{"org", "Name-1.0"};
  EXPECT_EQ(repository_url("https://h", reference), "https://h/api/models/org/Name-1.0/revision/main?blobs=true");
  reference.revision = "refs/pr/1";
  EXPECT_EQ(repository_url("https://h", reference),
            "https://h/api/models/org/Name-1.0/revision/refs%2Fpr%2F1?blobs=true");
  EXPECT_EQ(file_url("http://localhost:8080", "org/n", kCommit, "a b/\xc3\xa4+?#%~_.gguf"),
            "http://localhost:8080/org/n/resolve/" + kCommit + "/a%20b/%C3%A4%2B%3F%23%25~_.gguf");
}

}  // namespace
}  // namespace adder
