#pragma once

#include <CLI/CLI.hpp>
#include <atomic>

#include "make/train/loop/run.h"

namespace adder {

/// The recipe, by its name, and --set.
void add_recipe_options(CLI::App& command, RecipeFile& recipe, const std::string& example);

/// --work, --steps, --minutes, --checkpoint-minutes and --threads, which every command that trains has.
void add_run_options(CLI::App& command, RunOptions& options);

/// Where torchrun has started several of this command: they train together from here on.
Status join_team(RunOptions& options);

/// What the first SIGINT or SIGTERM sets: the run then ends after the step in flight, with a checkpoint. A second one
/// kills it.
const std::atomic<bool>& stop_on_signal();

}  // namespace adder
