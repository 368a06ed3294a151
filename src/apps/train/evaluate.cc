#include <CLI/CLI.hpp>

#include "apps/train/commands.h"
#include "apps/train/run_options.h"
#include "core/base/threads.h"
#include "make/train/loop/pretrain.h"

namespace adder {
namespace {

struct EvaluateCommand {
  RecipeFile recipe;
  std::filesystem::path data, work, checkpoint;
};

Status evaluate(const EvaluateCommand& options) {
  TRY_ASSIGN(Workshop shop, Workshop::open(options.recipe, options.data, options.work));
  TRY(shop.trainer.load(options.checkpoint.empty() ? options.work / "last.ckpt" : options.checkpoint));
  const HeldOutLoss loss = shop.held_out_loss(0, available_threads());
  fmt::print(
      "{{\"step\": {}, \"tokens_seen\": {}, \"held_out_tokens\": {}, \"loss\": {:.5f}, \"bits_per_byte\": {:.5f}, "
      "\"accuracy\": {:.5f}}}\n",
      shop.trainer.steps_done(), shop.trainer.tokens_seen(), loss.tokens, loss.nats_per_token, loss.bits_per_byte,
      loss.accuracy);
  return {};
}

}  // namespace

void add_evaluate(CLI::App& app, Status& status) {
  auto options = std::make_shared<EvaluateCommand>();
  CLI::App* command = app.add_subcommand("evaluate", "loss and bits per byte of a checkpoint on all held-out books");
  add_recipe_options(*command, options->recipe, "recipes/NAME.toml");
  command->add_option("--data", options->data, "folder of <id>-<title>.txt or .jsonl")->required();
  command->add_option("--work", options->work, "folder of the run")->required();
  command->add_option("--checkpoint", options->checkpoint, "default: WORK/last.ckpt");
  command->callback([options, &status] { status = evaluate(*options); });
}

}  // namespace adder
