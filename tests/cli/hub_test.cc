#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "core/base/atomic_file.h"
#include "program.h"
#include "tests/hub/fake_hub.h"

namespace adder {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace fs = std::filesystem;

/// The tiny model on a hub of its own, and an empty cache.
class Hub : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(cache_);
    hub_ = std::make_unique<FakeHub>(std::map<std::string, std::string>{
        {"README.md", "# tiny\n"}, {"tiny-Q4_K_M.gguf", read_file(tiny_model()).value()}});
  }
  void TearDown() override { fs::remove_all(cache_); }

  Call call(std::vector<std::string> arguments) const {
    return {.arguments = std::move(arguments),
            .environment = {{"HF_ENDPOINT", hub_->url()},
                            {"HF_TOKEN", "hf_secret"},
                            {"HOME", scratch().string()},
                            {"ADDER_CACHE", cache_.string()},
                            {"ADDER_OFFLINE", "0"}}};
  }
  Outcome adder(std::vector<std::string> arguments) const { return run_adder(call(std::move(arguments))); }
  std::string path() const { return cache_ / "models/org/tiny" / hub_->commit() / "tiny-Q4_K_M.gguf"; }

  const fs::path cache_ = scratch() / "cache";
  std::unique_ptr<FakeHub> hub_;
};

TEST_F(Hub, PullPrintsThePathThatOthersTake) {
  const Outcome pulled = adder({"pull", "org/tiny"});
  ASSERT_EQ(pulled.status, 0) << pulled.err;
  EXPECT_EQ(pulled.out, path() + "\n");
  EXPECT_THAT(pulled.err, AllOf(HasSubstr("org/tiny:Q4_K_M"), HasSubstr("cccccccccccc")));
  EXPECT_TRUE(read_file(path()).value() == hub_->content("tiny-Q4_K_M.gguf"));
  EXPECT_EQ(hub_->requests()[0].header("authorization"), "Bearer hf_secret");
  EXPECT_THAT(hub_->requests()[0].header("user-agent"), testing::StartsWith("adder/"));
}

TEST_F(Hub, RunPullsWhatIsAbsentAndAsksNobodyAfterwards) {
  const std::vector<std::string> more = {"-p", "Once upon a time", "-n", "8", "--seed", "3", "--threads", "1"};
  const auto run = [&](const std::string& model) {
    std::vector<std::string> arguments = {"run", model};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return adder(arguments);
  };
  const Outcome first = run("org/tiny");
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(first.out, run(tiny_model()).out);
  EXPECT_THAT(first.err, HasSubstr("not pulled yet"));
  EXPECT_EQ(hub_->requests().size(), 2u);

  const Outcome second = run("org/tiny:q4_k_m");
  EXPECT_EQ(second.out, first.out);
  EXPECT_THAT(second.err, Not(HasSubstr("not pulled yet")));
  EXPECT_EQ(adder({"inspect", "org/tiny", "--json"}).json()["path"], path());
  EXPECT_EQ(adder({"tokenize", "org/tiny", "-p", "x"}).status, 0);
  const std::string q8 = scratch() / "from-hub.gguf";
  EXPECT_EQ(adder({"quantize", "org/tiny", q8, "--type", "q8_0"}).status, 0);
  EXPECT_EQ(hub_->requests().size(), 2u);
}

TEST_F(Hub, ListAndRm) {
  const Outcome nothing = adder({"list"});
  EXPECT_EQ(nothing.status, 0);
  EXPECT_THAT(nothing.out, IsEmpty());
  ASSERT_EQ(adder({"pull", "org/tiny"}).status, 0);
  EXPECT_THAT(adder({"list"}).out, AllOf(HasSubstr("NAME"), HasSubstr("org/tiny:Q4_K_M"), HasSubstr("cccccccccccc")));
  const auto models = adder({"list", "--json"}).json()["models"];
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0]["name"], "org/tiny:Q4_K_M");
  EXPECT_EQ(models[0]["commit"], hub_->commit());
  EXPECT_EQ(models[0]["bytes"], hub_->content("tiny-Q4_K_M.gguf").size());
  EXPECT_EQ(models[0]["path"], path());

  EXPECT_EQ(adder({"rm", "org/tiny:Q8_0"}).status, 3);
  EXPECT_EQ(adder({"rm", "org/other"}).status, 3);
  EXPECT_EQ(adder({"rm", "../.."}).status, 2);
  EXPECT_TRUE(fs::exists(path()));
  EXPECT_EQ(adder({"rm", "org/tiny:q4_k_m", "--yes"}).status, 0);
  EXPECT_FALSE(fs::exists(cache_ / "models/org"));
  EXPECT_EQ(adder({"rm", "org/tiny"}).status, 3);
}

TEST_F(Hub, EventsAreALineEach) {
  const Outcome pulled = adder({"pull", "org/tiny", "--json"});
  ASSERT_EQ(pulled.status, 0) << pulled.err;
  std::istringstream lines(pulled.out);
  std::vector<nlohmann::json> events;
  for (std::string line; std::getline(lines, line);) events.push_back(nlohmann::json::parse(line));
  ASSERT_GE(events.size(), 2u);
  EXPECT_EQ(events.front()["event"], "progress");
  EXPECT_EQ(events.front()["bytes_total"], hub_->content("tiny-Q4_K_M.gguf").size());
  EXPECT_EQ(events.back()["event"], "done");
  EXPECT_EQ(events.back()["path"], path());
  EXPECT_EQ(events.back()["bytes_fetched"], hub_->content("tiny-Q4_K_M.gguf").size());
}

TEST_F(Hub, CtrlCKeepsWhatHasCome) {
  const std::string content = hub_->content("tiny-Q4_K_M.gguf");
  hub_->misbehave_with_files(1, [&](const auto&, const ServedConnection& connection) {
    const std::string answer = http_answer("200 OK", content);
    connection.send(answer.substr(0, answer.size() - content.size() + 70000));
    connection.stall();
  });
  Call interrupted = call({"pull", "org/tiny", "--json"});
  interrupted.interrupt_after_bytes = 150;  // beyond the first event, which comes before the file
  const Outcome stopped = run_adder(interrupted);
  EXPECT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("kept"));
  EXPECT_FALSE(fs::exists(path()));
  EXPECT_THAT(adder({"list"}).out, HasSubstr("unfinished"));
  ASSERT_EQ(adder({"pull", "org/tiny"}).status, 0);
  EXPECT_EQ(hub_->file_requests().back().header("range"), "bytes=70000-");
  EXPECT_TRUE(read_file(path()).value() == content);
}

TEST_F(Hub, MistakesHaveTheirOwnStatus) {
  const std::vector<std::pair<std::vector<std::string>, int>> mistakes = {
      {{"pull"}, 2},
      {{"pull", "tiny"}, 2},
      {{"pull", "org/tiny:"}, 2},
      {{"pull", "org/tiny@v1", "--revision", "v2"}, 2},
      {{"pull", "org/tiny", "--revision", "../x"}, 2},
      {{"pull", "org/tiny:Q8_0"}, 3},
      {{"pull", "org/other"}, 3},
      {{"run", "org/other", "-p", "x"}, 3},
      {{"inspect", "models/other.gguf"}, 3},
  };
  for (const auto& [arguments, status] : mistakes) {
    const Outcome outcome = adder(arguments);
    const std::string line = testing::PrintToString(arguments);
    EXPECT_EQ(outcome.status, status) << line << outcome.err;
    EXPECT_THAT(outcome.out, IsEmpty()) << line;
    EXPECT_THAT(outcome.err, Not(HasSubstr("hf_secret"))) << line;
  }
  Call offline = call({"pull", "org/tiny"});
  offline.environment["ADDER_OFFLINE"] = "1";
  EXPECT_EQ(run_adder(offline).status, 3);
  Call nowhere = call({"pull", "org/tiny"});
  nowhere.environment["HF_ENDPOINT"] = "http://127.0.0.1:1";
  EXPECT_EQ(run_adder(nowhere).status, 7);
  nowhere.arguments = {"run", "org/tiny", "-p", "x"};
  EXPECT_EQ(run_adder(nowhere).status, 7);
  for (const auto& [answer, status] : std::map<std::string, int>{{"403 Forbidden", 8}, {"400 Bad Request", 7}}) {
    hub_->misbehave([&, text = answer](const auto&, const ServedConnection& connection) {
      connection.send(http_answer(text, ""));
      return true;
    });
    EXPECT_EQ(adder({"pull", "org/tiny"}).status, status) << answer;
  }
}

/// Both sides of a comparison may be names on the Hub; each is pulled once.
TEST_F(Hub, DiffPullsWhatIsAbsent) {
  const Outcome first = adder({"diff", "org/tiny", tiny_model()});
  EXPECT_EQ(first.status, 0) << first.err << first.out;
  EXPECT_THAT(first.err, HasSubstr("not pulled yet"));
  const size_t asked = hub_->requests().size();
  const Outcome second = adder({"diff", tiny_model(), "org/tiny:q4_k_m", "--json"});
  EXPECT_EQ(second.status, 0) << second.err;
  EXPECT_EQ(second.json()["b"], "org/tiny:q4_k_m");
  EXPECT_EQ(hub_->requests().size(), asked);
  EXPECT_EQ(adder({"diff", tiny_model(), "org/other"}).status, 3);
}

/// The program starts and runs without libcurl; a pull says which package has it.
TEST_F(Hub, WithoutLibcurlOnlyAPullFails) {
  const fs::path broken = scratch() / "libraries";
  fs::create_directories(broken);
  for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4"}) ASSERT_TRUE(write_file(broken / name, "no library"));
  Call pull = call({"pull", "org/tiny"});
  pull.environment["LD_LIBRARY_PATH"] = broken;
  const Outcome failed = run_adder(pull);
  EXPECT_EQ(failed.status, 3);
  EXPECT_THAT(failed.err, HasSubstr("libcurl4"));
  Call run = call({"run", tiny_model(), "-p", "x", "-n", "1"});
  run.environment["LD_LIBRARY_PATH"] = broken;
  EXPECT_EQ(run_adder(run).status, 0);
}

}  // namespace
}  // namespace adder
