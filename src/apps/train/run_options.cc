#include "apps/train/run_options.h"

#include <csignal>

namespace adder {
namespace {

std::atomic<bool> stop_requested{false};

}  // namespace

void add_recipe_options(CLI::App& command, RecipeFile& recipe, const std::string& example) {
  command.add_option("recipe", recipe.path, example)->required();
  command.add_option("--set", recipe.changes, "another value for one of its keys: train.seed=2, student.init=random")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
}

void add_run_options(CLI::App& command, RunOptions& options) {
  command.add_option("--work", options.work, "folder for checkpoints, tokens and metrics; resumes what it holds");
  command.add_option("--steps", options.steps, "stop when so many steps are done in all");
  command.add_option("--minutes", options.minutes, "stop after so long");
  command.add_option("--checkpoint-minutes", options.checkpoint_minutes, "save this often")->capture_default_str();
  command.add_option("--threads", options.threads, "default: every core this process may use");
}

Status join_team(RunOptions& options) {
  TRY_ASSIGN(const Place place, Place::from_environment());
  TRY_ASSIGN(Team team, Team::join(place));
  options.team = std::make_shared<const Team>(std::move(team));
  return {};
}

const std::atomic<bool>& stop_on_signal() {
  for (const int signal : {SIGINT, SIGTERM}) {
    std::signal(signal, [](int number) {
      stop_requested = true;
      std::signal(number, SIG_DFL);
    });
  }
  return stop_requested;
}

}  // namespace adder
