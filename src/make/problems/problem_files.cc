#include "make/problems/problem_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "core/base/atomic_file.h"
#include "core/formats/json.h"
#include "core/formats/json_lines.h"
#include "core/formats/names.h"

namespace adder {
namespace {

/// The next problem of a task that belongs to the part asked for.
Problem next(const Task& task, int64_t max_level, Rng& rng, bool test) {
  const int64_t levels = std::min(task.levels - 1, max_level) + 1;
  while (true) {
    const auto level = static_cast<int64_t>(rng.below(static_cast<uint64_t>(levels)));
    Problem problem = task.make(rng, level);
    if (is_test(problem) == test) return problem;
  }
}

std::string document(const Problem& problem) {
  return nlohmann::json{{"text", problem.text()}}.dump() + "\n";
}

Status write_new(const std::filesystem::path& path, const std::string& text) {
  if (std::filesystem::exists(path)) return Error::usage("{}: is there already", path.string());
  return write_file(path, text);
}

/// One line of problems.jsonl.
Result<Problem> read_problem(std::string_view line) {
  TRY_ASSIGN(const nlohmann::json entry, parse_json(line, "a problem"));
  const auto text_of = [&](std::string_view key) {
    const nlohmann::json& member = json_member(entry, key);
    return member.is_string() ? member.get<std::string>() : std::string();
  };
  Problem problem{.task = {}, .level = 0, .prompt = text_of("prompt"), .answer = text_of("answer"), .more = {}};
  const nlohmann::json& level = json_member(entry, "level");
  if (problem.prompt.empty() || problem.answer.empty() || !level.is_number_integer()) {
    return Error::corrupt(
        "expected an object with the texts \"task\", \"prompt\", \"answer\" and the number \"level\"");
  }
  const std::string name = text_of("task");
  const Task* const task = find_task(name);
  if (!task) return Error::corrupt("there is no task {}", quote(name));
  problem.task = task->name;
  problem.level = level.get<int64_t>();
  if (problem.level < 0 || problem.level >= task->levels) {
    return Error::corrupt("level {} of {}, which has 0 to {}", problem.level, name, task->levels - 1);
  }
  return problem;
}

}  // namespace

Result<std::vector<ProblemFile>> write_problems(const std::filesystem::path& directory,
                                                const ProblemFilesOptions& options) {
  TRY(make_directory(directory));
  std::vector<ProblemFile> files;
  std::string lines;
  const auto share = options.train_bytes / std::max<int64_t>(1, std::ssize(options.tasks));
  for (const Task* const task : options.tasks) {
    ProblemFile& file = files.emplace_back(ProblemFile{.task = task});
    const auto id = static_cast<int64_t>(task - tasks().data());
    const auto path = [&](int64_t first) { return directory / fmt::format("{}-{}.jsonl", first + id, task->name); };

    Rng train_rng(options.seed, static_cast<uint64_t>(2 * id)),
        test_rng(options.seed, static_cast<uint64_t>(2 * id + 1));
    std::string train, test;
    while (std::ssize(train) < share) {
      train += document(next(*task, options.max_level, train_rng, false));
      ++file.problems;
    }
    std::unordered_set<std::string> asked;  // small numbers leave few different problems: none is asked twice
    for (int64_t tries = 0; std::ssize(asked) < options.tests_per_task; ++tries) {
      if (tries > 100 * options.tests_per_task) {
        return Error::usage("{}: has no {} different problems to test with, but {}", task->name, options.tests_per_task,
                            asked.size());
      }
      const Problem problem = next(*task, options.max_level, test_rng, true);
      if (!asked.insert(problem.prompt).second) continue;
      test += document(problem);
      lines +=
          nlohmann::ordered_json{
              {"task", problem.task}, {"level", problem.level}, {"prompt", problem.prompt}, {"answer", problem.answer}}
              .dump() +
          "\n";
    }
    file.bytes = std::ssize(train);
    file.test_bytes = std::ssize(test);
    TRY(write_new(path(kFirstTrainId), train));
    TRY(write_new(path(kFirstTestId), test));
  }
  TRY(write_new(directory / "problems.jsonl", lines));
  return files;
}

Result<std::vector<Problem>> read_problems(const std::filesystem::path& path) {
  TRY_ASSIGN(const std::string text, read_file(path));
  std::vector<Problem> problems;
  TRY(for_each_json_line(text, path.string(), [&](std::string_view line) -> Status {
    TRY_ASSIGN(Problem problem, read_problem(line));
    problems.push_back(std::move(problem));
    return {};
  }));
  if (problems.empty()) return Error::corrupt("{}: holds no problems", path.string());
  return problems;
}

}  // namespace adder
