#include "run/hub/pull.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "core/base/atomic_file.h"
#include "tests/hub/pull_fixture.h"

namespace adder {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class PullTest : public PullFixture {};

TEST_F(PullTest, BringsTheModelByCommitAndWritesItDown) {
  const auto pulled = pull_tiny();
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(pulled->path, repository_folder() / hub().commit() / "tiny-Q8_0.gguf");
  EXPECT_TRUE(holds(pulled->path, content()));
  EXPECT_EQ(pulled->bytes_fetched, content().size());
  EXPECT_EQ(pulled->model.type, "Q8_0");
  EXPECT_EQ(pulled->model.commit, hub().commit());
  ASSERT_EQ(hub().requests().size(), 2u);
  EXPECT_EQ(hub().requests()[0].target, "/api/models/org/tiny/revision/main?blobs=true");
  EXPECT_EQ(hub().requests()[1].target, "/org/tiny/resolve/" + hub().commit() + "/tiny-Q8_0.gguf");
  EXPECT_EQ(hub().requests()[1].header("range"), "");
  EXPECT_FALSE(fs::exists(repository_folder() / "partial"));

  const auto found = store().find({"org", "tiny"});
  ASSERT_TRUE(found && *found);
  EXPECT_EQ(store().path_of(**found), pulled->path);
  EXPECT_EQ((*found)->text(), "org/tiny:Q8_0");
}

TEST_F(PullTest, ASecondPullChecksAndMendsWithoutFetchingTheRest) {
  ASSERT_TRUE(pull_tiny());
  EXPECT_EQ(pull_tiny()->bytes_fetched, 0u);
  EXPECT_EQ(hub().file_requests().size(), 1u);
  std::string flipped = content();
  flipped[flipped.size() / 2] ^= 1;
  ASSERT_TRUE(write_file(final_path(), flipped));
  EXPECT_EQ(pull_tiny()->bytes_fetched, content().size());
  EXPECT_TRUE(holds(final_path(), content()));
}

TEST_F(PullTest, GoesOnWhereAnInterruptedOneEnded) {
  hub().misbehave_with_files(1, [this](const auto&, const ServedConnection& connection) {
    connection.send(beginning_of_answer(content().size() / 2));
    connection.stall();
  });
  const auto stopped = pull_tiny({}, [](const PullProgress& at) -> Status {
    if (at.bytes_done > 0) return Error::cancelled("interrupted");
    return {};
  });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), ErrorCode::kCancelled);
  EXPECT_FALSE(fs::exists(final_path()));
  EXPECT_FALSE((*store().find({"org", "tiny"})).has_value());
  ASSERT_EQ(store().unfinished().size(), 1u);
  const uint64_t came = store().unfinished()[0].bytes;
  EXPECT_GT(came, 0u);

  const auto pulled = pull_tiny();
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(hub().file_requests().back().header("range"), fmt::format("bytes={}-", came));
  EXPECT_EQ(pulled->bytes_fetched, content().size() - came);
  EXPECT_TRUE(holds(final_path(), content()));
}

TEST_F(PullTest, ANewCommitFetchesOnlyWhatIsNew) {
  hub().push(std::string(40, '1'), {{"config.json", "{}"}, {"model.safetensors", content()}});
  ASSERT_TRUE(pull_tiny());
  const std::string second(40, '2');
  hub().push(second, {{"config.json", "{\"a\": 1}"}, {"model.safetensors", content()}});
  const auto pulled = pull_tiny();
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(pulled->bytes_fetched, 8u);
  EXPECT_EQ(pulled->path, repository_folder() / second);
  EXPECT_TRUE(holds(pulled->path / "model.safetensors", content()));
  EXPECT_EQ(read_file(pulled->path / "config.json").value(), "{\"a\": 1}");
  EXPECT_FALSE(fs::exists(repository_folder() / std::string(40, '1'))) << "main has moved on";
}

TEST_F(PullTest, ACommitStaysWhenTheBranchMovesOnAndNeedsNoNetwork) {
  const HubReference pinned{"org", "tiny", hub().commit()};
  ASSERT_TRUE(pull(pinned, options(), quiet));
  hub().push(std::string(40, '2'), {{"tiny-Q8_0.gguf", "other"}});
  ASSERT_TRUE(pull_tiny());
  EXPECT_EQ(store().list()->size(), 2u);
  EXPECT_TRUE(holds(store().path_of(**store().find(pinned)), content()));

  HubOptions nowhere = options();
  nowhere.endpoint = "http://127.0.0.1:1";
  const auto again = pull(pinned, nowhere, quiet);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_FALSE(again->asked_the_hub);
  EXPECT_EQ(again->bytes_fetched, 0u);
}

TEST_F(PullTest, WithoutANetworkTheErrorIsQuickAndNamesTheCopy) {
  HubOptions nowhere = options();
  nowhere.endpoint = "http://127.0.0.1:1";
  nowhere.retry.first_wait = std::chrono::seconds(60);
  const auto none = pull({"org", "tiny"}, nowhere, quiet);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::kNetwork);
  EXPECT_THAT(none.error().message(), AllOf(HasSubstr("http://127.0.0.1:1"), Not(HasSubstr("copy"))));
  ASSERT_TRUE(pull_tiny());
  const auto copy = pull({"org", "tiny"}, nowhere, quiet);
  ASSERT_FALSE(copy);
  EXPECT_EQ(copy.error().code(), ErrorCode::kNetwork);
  EXPECT_THAT(copy.error().message(), AllOf(HasSubstr("stays usable"), HasSubstr(final_path().string())));
}

TEST_F(PullTest, OfflineGivesWhatIsHere) {
  HubOptions offline = options();
  offline.offline = true;
  EXPECT_EQ(pull({"org", "tiny"}, offline, quiet).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(pull_tiny());
  const size_t asked = hub().requests().size();
  EXPECT_EQ(pull({"org", "tiny"}, offline, quiet)->path, final_path());
  EXPECT_EQ(pull({"org", "tiny", "main", "q8_0"}, offline, quiet)->path, final_path());
  EXPECT_EQ(pull({"org", "tiny", "main", "Q4_0"}, offline, quiet).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(hub().requests().size(), asked);
}

TEST_F(PullTest, TwoAtATimeFetchOnce) {
  std::atomic<bool> has_waited = false;
  hub().misbehave_with_files(1, [&](const auto&, const ServedConnection& connection) {
    connection.send(beginning_of_answer(10));
    while (!has_waited) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    connection.send(content().substr(10));
  });
  const auto watch = [&](const PullProgress& at) -> Status {
    has_waited = has_waited || at.stage == PullProgress::Stage::kWaiting;
    return {};
  };
  std::vector<Result<Pulled>> pulled(2, Error::io("not run"));
  std::thread first([&] { pulled[0] = pull_tiny({}, quiet); });
  while (hub().file_requests().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::thread second([&] { pulled[1] = pull_tiny({}, watch); });
  first.join();
  second.join();
  ASSERT_TRUE(pulled[0]) << pulled[0].error().message();
  ASSERT_TRUE(pulled[1]) << pulled[1].error().message();
  EXPECT_EQ(hub().file_requests().size(), 1u);
  EXPECT_TRUE(holds(final_path(), content()));
}

TEST_F(PullTest, RemovingTakesTheFilesOfThatModelOnly) {
  hub().push(std::string(40, '1'), {{"a-Q8_0.gguf", content()}, {"a-Q4_K_M.gguf", "small"}});
  const auto q8 = pull({"org", "tiny", "main", "Q8_0"}, options(), quiet);
  const auto q4 = pull({"org", "tiny", "main", ""}, options(), quiet);
  ASSERT_TRUE(q8 && q4);
  EXPECT_EQ(store().list()->size(), 2u);
  EXPECT_EQ((*store().find({"org", "tiny"}))->type, "Q4_K_M") << "the usual one";
  {
    const auto lock = StoreLock::acquire(store(), "org/tiny", [] { return Status(); });
    ASSERT_TRUE(lock);
    EXPECT_EQ(lock->remove([](const StoredModel& m) { return m.type == "Q4_K_M"; })->size(), 1u);
  }
  EXPECT_FALSE(fs::exists(q4->path));
  EXPECT_TRUE(fs::exists(q8->path));
  EXPECT_EQ((*store().find({"org", "tiny"}))->type, "Q8_0") << "the only one";
  {
    const auto lock = StoreLock::acquire(store(), "org/tiny", [] { return Status(); });
    ASSERT_TRUE(lock->remove([](const StoredModel&) { return true; }));
  }
  EXPECT_FALSE(fs::exists(repository_folder().parent_path()));
  EXPECT_TRUE(store().list()->empty());
}

TEST_F(PullTest, AManifestThatLiesIsRefused) {
  ASSERT_TRUE(pull_tiny());
  const fs::path manifest = repository_folder() / "manifest.json";
  const std::string honest = read_file(manifest).value();
  const std::string entry = "\"entry\": \"tiny-Q8_0.gguf\"";
  ASSERT_THAT(honest, HasSubstr(entry));
  std::string evil = honest;
  evil.replace(evil.find(entry), entry.size(), "\"entry\": \"../../../../etc/passwd\"");
  for (const std::string& text : {evil, std::string("{}"), std::string("[1]"), honest.substr(0, honest.size() / 2)}) {
    ASSERT_TRUE(write_file(manifest, text));
    const auto models = store().list();
    ASSERT_FALSE(models) << text;
    EXPECT_EQ(models.error().code(), ErrorCode::kCorrupt);
    EXPECT_THAT(models.error().message(), HasSubstr("manifest.json"));
  }
}

TEST_F(PullTest, ALinkInTheStoreThatLeadsElsewhereIsRefused) {
  const fs::path elsewhere = cache() / "elsewhere";
  fs::create_directories(elsewhere);
  fs::create_directories(repository_folder());
  fs::create_symlink(elsewhere, repository_folder() / hub().commit());
  const auto pulled = pull_tiny();
  ASSERT_FALSE(pulled);
  EXPECT_THAT(pulled.error().message(), HasSubstr("link"));
  EXPECT_TRUE(fs::is_empty(elsewhere));
}

}  // namespace
}  // namespace adder
