#include "make/train/loop/pretrain.h"

#include <CLI/CLI.hpp>

#include "apps/train/commands.h"
#include "apps/train/run_options.h"

namespace adder {

void add_pretrain(CLI::App& app, Status& status) {
  auto options = std::make_shared<PretrainOptions>();
  CLI::App* command = app.add_subcommand("pretrain", "train a recipe's model; resumes what WORK holds");
  add_recipe_options(*command, options->recipe, "recipes/NAME.toml");
  command->add_option("--data", options->data, "folder of <id>-<title>.txt or .jsonl")->required();
  add_run_options(*command, *options);
  command->get_option("--work")->required();
  command->add_option("--from", options->from, "checkpoint to begin from when WORK has none");
  command->add_option("--decay-steps", options->decay_steps,
                      "take the learning rate to zero over so many steps, then stop");
  command->callback([options, &status] {
    status = join_team(*options);
    if (status) status = pretrain(*options, stop_on_signal());
  });
}

}  // namespace adder
