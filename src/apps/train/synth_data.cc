#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "apps/train/commands.h"
#include "core/base/byte_size.h"
#include "make/problems/problem_files.h"

namespace adder {
namespace {

int64_t hardest_level() {
  return std::ranges::max(tasks(), {}, &Task::levels).levels - 1;
}

struct SynthDataCommand {
  std::filesystem::path out;
  std::vector<std::string> tasks;
  std::string size = "2MB";
  int64_t tests = 100;
  uint64_t seed = 0;
  int64_t max_level = hardest_level();
};

Status synth_data(const SynthDataCommand& command) {
  ProblemFilesOptions options{.tasks = {}, .train_bytes = 0, .tests_per_task = command.tests, .seed = command.seed};
  options.max_level = command.max_level;
  TRY_ASSIGN(options.train_bytes, parse_byte_size(command.size));
  for (const std::string& name : command.tasks) options.tasks.push_back(find_task(name));
  if (options.tasks.empty())
    for (const Task& task : tasks()) options.tasks.push_back(&task);
  TRY_ASSIGN(const std::vector<ProblemFile> files, write_problems(command.out, options));
  for (const ProblemFile& file : files)
    fmt::print("{:<12} {:>8} problems, {:>9} to train on, {:>9} held out\n", file.task->name, file.problems,
               byte_size_text(file.bytes), byte_size_text(file.test_bytes));
  return {};
}

std::string task_list() {
  std::string list = "Tasks, each at several levels of difficulty:\n";
  for (const Task& task : tasks()) list += fmt::format("  {:<12}{}\n", task.name, task.what);
  return list + "Example: adder-train synth-data --out problems --size 8MB --seed 1";
}

}  // namespace

void add_synth_data(CLI::App& app, Status& status) {
  auto options = std::make_shared<SynthDataCommand>();
  CLI::App* command =
      app.add_subcommand("synth-data", "write problems with verifiable answers, to train on and to test");
  std::vector<std::string> names;
  for (const Task& task : tasks()) names.emplace_back(task.name);
  command->add_option("--out", options->out, "folder for the texts and problems.jsonl")->required();
  command->add_option("--tasks", options->tasks, "these only, comma separated")
      ->delimiter(',')
      ->check(CLI::IsMember(names));
  command->add_option("--size", options->size, "text to train on, over all tasks")->capture_default_str();
  command->add_option("--tests", options->tests, "problems of each task held out")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{0}, int64_t{1'000'000}));
  command->add_option("--max-level", options->max_level, "none harder than that, to train on or to test")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{0}, hardest_level()));
  command->add_option("--seed", options->seed, "of the generator")->capture_default_str();
  command->footer(task_list());
  command->callback([options, &status] { status = synth_data(*options); });
}

}  // namespace adder
