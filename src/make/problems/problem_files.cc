#include "make/problems/problem_files.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <unordered_set>

#include "core/base/atomic_file.h"

namespace adder {
namespace {

/// The next problem of a task that belongs to the part asked for.
Problem next(const Task& task, Rng& rng, bool test) {
  while (true) {
    const auto level = static_cast<int64_t>(rng.below(static_cast<uint64_t>(task.levels)));
    Problem problem = task.make(rng, level);
    if (is_test(problem) == test) return problem;
  }
}

Status write_new(const std::filesystem::path& path, const std::string& text) {
  if (std::filesystem::exists(path)) return Error::usage("{}: is there already", path.string());
  return write_file(path, text);
}

}  // namespace

Result<std::vector<ProblemFile>> write_problems(const std::filesystem::path& directory,
                                                const ProblemFilesOptions& options) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure) return Error::io("{}: cannot make the directory ({})", directory.string(), failure.message());

  std::vector<ProblemFile> files;
  std::string lines;
  const auto share = options.train_bytes / std::max<int64_t>(1, std::ssize(options.tasks));
  for (const Task* const task : options.tasks) {
    ProblemFile& file = files.emplace_back(ProblemFile{.task = task});
    const auto id = static_cast<int64_t>(task - tasks().data());
    const auto path = [&](int64_t first) { return directory / fmt::format("{}-{}.txt", first + id, task->name); };

    Rng train_rng(options.seed, static_cast<uint64_t>(2 * id)),
        test_rng(options.seed, static_cast<uint64_t>(2 * id + 1));
    std::string train, test;
    while (std::ssize(train) < share) {
      train += next(*task, train_rng, false).text() + "\n";
      ++file.problems;
    }
    std::unordered_set<std::string> asked;  // small numbers leave few different problems: none is asked twice
    for (int64_t tries = 0; std::ssize(asked) < options.tests_per_task; ++tries) {
      if (tries > 100 * options.tests_per_task) {
        return Error::usage("{}: has no {} different problems to test with, but {}", task->name, options.tests_per_task,
                            asked.size());
      }
      const Problem problem = next(*task, test_rng, true);
      if (!asked.insert(problem.prompt).second) continue;
      test += problem.text() + "\n";
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
  std::istringstream lines(text);
  std::string line;
  for (int64_t number = 1; std::getline(lines, line); ++number) {
    if (line.empty()) continue;
    const auto wrong = [&](std::string_view what) {
      return Error::corrupt("{}: line {}: {}", path.string(), number, what);
    };
    const auto entry = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!entry.is_object()) return wrong("is no JSON object");
    const auto text_of = [&](const char* key) -> std::optional<std::string> {
      const auto found = entry.find(key);
      if (found == entry.end() || !found->is_string()) return {};
      return found->get<std::string>();
    };
    const auto task = text_of("task"), prompt = text_of("prompt"), answer = text_of("answer");
    const auto level = entry.find("level");
    if (!task || !prompt || !answer || level == entry.end() || !level->is_number_integer()) {
      return wrong("wants the texts task, prompt and answer, and the number level");
    }
    const Task* known = find_task(*task);
    if (!known) return wrong(fmt::format("there is no task '{}'", *task));
    if (prompt->empty() || answer->empty()) return wrong("has an empty prompt or answer");
    problems.push_back({known->name, level->get<int64_t>(), *prompt, *answer});
  }
  if (problems.empty()) return Error::corrupt("{}: holds no problems", path.string());
  return problems;
}

}  // namespace adder
