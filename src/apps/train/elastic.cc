#include "make/train/elastic/elastic.h"

#include <CLI/CLI.hpp>

#include "apps/train/commands.h"
#include "apps/train/run_options.h"

namespace adder {
namespace {

struct ElasticCommand : ElasticOptions {
  std::string type_name = "f32";
};

Status start(ElasticCommand& command) {
  const std::optional<Mix> mix = mix_from_name(command.type_name);
  if (!mix) return Error::usage("--type {}: no such type", command.type_name);
  command.type = *mix;
  if (!command.dry_run && (command.data.empty() || command.work.empty())) {
    return Error::usage("--data and --work are needed to train");
  }
  if (command.out.empty()) command.out = command.work / "nested.gguf";
  if (!command.dry_run) TRY(join_team(command));
  return elastic(command, stop_on_signal());
}

}  // namespace

void add_elastic(CLI::App& app, Status& status) {
  auto options = std::make_shared<ElasticCommand>();
  CLI::App* command = app.add_subcommand("elastic", "train a parent and a router that finds its smaller selves");
  add_recipe_options(*command, options->recipe, "recipes/elastic/NAME.toml");
  command->add_option("--parent", options->parent, "what `adder slice --order` wrote; weights and frozen teacher");
  command->add_option("--data", options->data, "folders of <id>-<title>.txt or .jsonl; the recipe's weights mix them");
  add_run_options(*command, *options);
  command->add_option("--teacher-cache", options->teacher_cache,
                      "a folder to keep what the parent says in, for later epochs and runs");
  command->add_option("--out", options->out, "the trained weights, NAME.gguf or a new folder (WORK/nested.gguf)");
  command->add_option("--type", options->type_name, "f32, bf16; in GGUF also q8_0, q4_k_m, ...")->capture_default_str();
  command->add_flag("--dry-run", options->dry_run, "check recipe and shapes, print the memory it takes, train nothing");
  command->footer(
      "Examples:\n"
      "  adder-train elastic recipes/elastic/laptop.toml --parent ordered.gguf --data PROSE --work LEG\n"
      "  adder slice LEG/nested.gguf --child LEG/child.small.json child.gguf\n"
      "  adder-train elastic recipes/elastic/nano-4b.toml --dry-run");
  command->callback([options, &status] { status = start(*options); });
}

}  // namespace adder
