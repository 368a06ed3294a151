#include "make/problems/problem_files.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "core/base/atomic_file.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/json_lines.h"

namespace adder {
namespace {

using testing::expect_error;

namespace fs = std::filesystem;

ProblemFilesOptions all_tasks() {
  ProblemFilesOptions options{.tasks = {}, .train_bytes = 60000, .tests_per_task = 20, .seed = 7};
  for (const Task& task : tasks()) options.tasks.push_back(&task);
  return options;
}

std::string text(const fs::path& path) {
  const auto read = read_file(path);
  EXPECT_TRUE(read) << path;
  return read ? *read : "";
}

TEST(ProblemFiles, HoldEqualSharesAndNoTestAmongWhatIsTrainedOn) {
  const testing::TempDir folder;
  const auto files = write_problems(folder.path(), all_tasks());
  ASSERT_TRUE(files) << files.error().message();
  ASSERT_EQ(files->size(), tasks().size());
  std::string trained;
  for (size_t i = 0; i < files->size(); ++i) {
    const ProblemFile& file = (*files)[i];
    const std::string name = std::string(file.task->name) + ".jsonl";
    const std::string train =
        text(folder.path() / (std::to_string(kFirstTrainId + static_cast<int64_t>(i)) + "-" + name));
    const std::string test =
        text(folder.path() / (std::to_string(kFirstTestId + static_cast<int64_t>(i)) + "-" + name));
    EXPECT_EQ(std::ssize(train), file.bytes);
    EXPECT_EQ(std::ssize(test), file.test_bytes);
    EXPECT_GE(file.bytes, 10000);
    trained += train;
  }
  int64_t n = 0;
  EXPECT_TRUE(for_each_json_line(text(folder.path() / "problems.jsonl"), "problems", [&](std::string_view line) {
    const auto problem = nlohmann::json::parse(line);
    const std::string prompt = problem["prompt"], answer = problem["answer"];
    const std::string quoted = nlohmann::json(prompt + answer + "\n").dump();
    EXPECT_EQ(trained.find(quoted.substr(0, quoted.size() - 1)), std::string::npos) << prompt;
    ++n;
    return Status();
  }));
  EXPECT_EQ(n, 20 * std::ssize(tasks()));
}

TEST(ProblemFiles, AreNoHarderThanAskedFor) {
  const testing::TempDir folder;
  ProblemFilesOptions options = all_tasks();
  options.max_level = 2;
  ASSERT_TRUE(write_problems(folder.path(), options));
  const auto problems = read_problems(folder / "problems.jsonl");
  ASSERT_TRUE(problems) << problems.error().message();
  std::set<int64_t> levels;
  for (const Problem& problem : *problems) levels.insert(problem.level);
  EXPECT_EQ(levels, (std::set<int64_t>{0, 1, 2}));
}

TEST(ProblemFiles, DependOnTheSeedAlone) {
  const testing::TempDir folder;
  const fs::path one = folder / "one", two = folder / "two", other = folder / "other";
  ProblemFilesOptions options = all_tasks();
  ASSERT_TRUE(write_problems(one, options));
  ASSERT_TRUE(write_problems(two, options));
  options.seed = 8;
  ASSERT_TRUE(write_problems(other, options));
  for (const auto& file : fs::directory_iterator(one)) {
    const fs::path name = file.path().filename();
    EXPECT_EQ(text(file.path()), text(two / name)) << name;
    EXPECT_NE(text(file.path()), text(other / name)) << name;
  }
}

TEST(ProblemFiles, AreNotWrittenOverOthers) {
  const testing::TempDir folder;
  ASSERT_TRUE(write_problems(folder.path(), all_tasks()));
  testing::expect_error(write_problems(folder.path(), all_tasks()), ErrorCode::kUsage, "900001-recall.jsonl",
                        "is there already");
}

TEST(ProblemFiles, AreReadAsTheyWereWritten) {
  const testing::TempDir folder;
  ASSERT_TRUE(write_problems(folder.path(), all_tasks()));
  const auto problems = read_problems(folder / "problems.jsonl");
  ASSERT_TRUE(problems) << problems.error().message();
  EXPECT_EQ(std::ssize(*problems), 20 * std::ssize(tasks()));
  EXPECT_EQ(problems->front().task, "recall");
  for (const Problem& problem : *problems) EXPECT_TRUE(is_test(problem)) << problem.prompt;
}

TEST(ProblemFiles, SayWhichLineIsNotOne) {
  const testing::TempDir folder;
  const auto refusal = [&](const std::string& line) {
    const std::string good = R"({"task": "recall", "level": 1, "prompt": "a", "answer": "b"})";
    EXPECT_TRUE(write_file(folder / "p.jsonl", good + "\n" + line + "\n"));
    return read_problems(folder / "p.jsonl");
  };
  expect_error(refusal("{"), ErrorCode::kCorrupt, "p.jsonl:2", "not JSON");
  expect_error(refusal("[1]"), ErrorCode::kCorrupt, "p.jsonl:2", "expected an object");
  expect_error(refusal(R"({"task": "recall", "level": "1", "prompt": "a", "answer": "b"})"), ErrorCode::kCorrupt,
               "p.jsonl:2", "expected an object");
  expect_error(refusal(R"({"task": "recall", "level": 1, "prompt": "", "answer": "b"})"), ErrorCode::kCorrupt,
               "p.jsonl:2", "expected an object");
  expect_error(refusal(R"({"task": "sums", "level": 1, "prompt": "a", "answer": "b"})"), ErrorCode::kCorrupt,
               "p.jsonl:2", "there is no task 'sums'");
  for (const char* const level : {"-1", "8", "9223372036854775807", "18446744073709551615"}) {
    const std::string line = fmt::format(R"({{"task": "recall", "level": {}, "prompt": "a", "answer": "b"}})", level);
    expect_error(refusal(line), ErrorCode::kCorrupt, "p.jsonl:2", "of recall, which has 0 to 7");
  }
  EXPECT_TRUE(write_file(folder / "none.jsonl", "\n"));
  expect_error(read_problems(folder / "none.jsonl"), ErrorCode::kCorrupt, "holds no problems");
}

}  // namespace
}  // namespace adder
