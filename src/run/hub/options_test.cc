#include "run/hub/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>

#include "core/base/atomic_file.h"

namespace adder {
namespace {

using testing::HasSubstr;
using testing::Not;

Result<HubOptions> options_from(std::map<std::string, std::string> variables) {
  return hub_options([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(HubOptions, TheCacheIsWhereTheEnvironmentSays) {
  EXPECT_EQ(options_from({{"HOME", "/home/a"}})->cache, "/home/a/.cache/adder");
  EXPECT_EQ(options_from({{"HOME", "/home/a"}, {"XDG_CACHE_HOME", "/cache"}})->cache, "/cache/adder");
  EXPECT_EQ(options_from({{"HOME", "/home/a"}, {"XDG_CACHE_HOME", "cache"}})->cache, "/home/a/.cache/adder");
  EXPECT_EQ(options_from({{"HOME", "/home/a"}, {"ADDER_CACHE", "/big/disk"}})->cache, "/big/disk");
  EXPECT_EQ(options_from({}).error().code(), ErrorCode::kUsage);
}

TEST(HubOptions, TheEndpointIsAnHttpAddress) {
  EXPECT_EQ(options_from({{"HOME", "/h"}})->endpoint, "https://huggingface.co");
  EXPECT_EQ(options_from({{"HOME", "/h"}, {"HF_ENDPOINT", "https://mirror.example//"}})->endpoint,
            "https://mirror.example");
  EXPECT_EQ(options_from({{"HOME", "/h"}, {"HF_ENDPOINT", "http://127.0.0.1:8080/hub/"}})->endpoint,
            "http://127.0.0.1:8080/hub");
  for (const std::string bad : {"mirror.example", "ftp://mirror.example", "file:///etc", "https://user:word@host",
                                "https://host?x=", "https://ho st", "https://host\\x", "https://host\r\nX: y"})
    EXPECT_EQ(options_from({{"HOME", "/h"}, {"HF_ENDPOINT", bad}}).error().code(), ErrorCode::kUsage) << bad;
}

TEST(HubOptions, TheTokenIsInTheEnvironmentOrInAFile) {
  const std::filesystem::path home = std::filesystem::path(testing::TempDir()) / fmt::format("hub-{}", getpid());
  std::filesystem::create_directories(home / ".cache/huggingface");
  const std::string at_home = home.string();
  EXPECT_EQ(options_from({{"HOME", at_home}})->token, "");
  ASSERT_TRUE(write_file(home / ".cache/huggingface/token", "hf_file\n"));
  ASSERT_TRUE(write_file(home / "token", "hf_home\n"));
  ASSERT_TRUE(write_file(home / "other", "hf_other"));
  EXPECT_EQ(options_from({{"HOME", at_home}})->token, "hf_file");
  EXPECT_EQ(options_from({{"HOME", at_home}, {"HF_HOME", at_home}})->token, "hf_home");
  EXPECT_EQ(options_from({{"HOME", at_home}, {"HF_TOKEN_PATH", at_home + "/other"}})->token, "hf_other");
  EXPECT_EQ(options_from({{"HOME", at_home}, {"HF_TOKEN", " hf_word\n"}})->token, "hf_word");
  const auto bad = options_from({{"HOME", at_home}, {"HF_TOKEN", "secret\r\nHost: evil"}});
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message(), Not(HasSubstr("secret")));
  std::filesystem::remove_all(home);
}

TEST(HubOptions, OfflineIsAnythingButZero) {
  EXPECT_FALSE(options_from({{"HOME", "/h"}})->offline);
  EXPECT_FALSE(options_from({{"HOME", "/h"}, {"ADDER_OFFLINE", "0"}})->offline);
  EXPECT_TRUE(options_from({{"HOME", "/h"}, {"ADDER_OFFLINE", "1"}})->offline);
}

}  // namespace
}  // namespace adder
