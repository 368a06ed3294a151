#include "make/train/loop/pretrain.h"

#include <CLI/CLI.hpp>
#include <csignal>

#include "apps/train/commands.h"

namespace adder {
namespace {

std::atomic<bool> stop_requested{false};

}  // namespace

void add_pretrain(CLI::App& app, Status& status) {
  auto options = std::make_shared<PretrainOptions>();
  CLI::App* command = app.add_subcommand("pretrain", "train a recipe's model; resumes what WORK holds");
  command->add_option("recipe", options->recipe, "recipes/NAME.toml")->required();
  command->add_option("--data", options->data, "folder of <id>-<title>.txt")->required();
  command->add_option("--work", options->work, "folder for tokenizer, checkpoint and metrics")->required();
  command->add_option("--from", options->from, "checkpoint to begin from when WORK has none");
  command->add_option("--steps", options->steps, "stop when so many steps are done in all");
  command->add_option("--decay-steps", options->decay_steps,
                      "take the learning rate to zero over so many steps, then stop");
  command->add_option("--minutes", options->minutes, "stop after so long");
  command->add_option("--checkpoint-minutes", options->checkpoint_minutes, "save this often")->capture_default_str();
  command->add_option("--threads", options->threads, "default: every core this process may use");
  command->callback([options, &status] {
    // The first signal ends the run after the step in flight, with a checkpoint; a second one kills it.
    for (const int signal : {SIGINT, SIGTERM}) {
      std::signal(signal, [](int number) {
        stop_requested = true;
        std::signal(number, SIG_DFL);
      });
    }
    status = pretrain(*options, stop_requested);
  });
}

}  // namespace adder
