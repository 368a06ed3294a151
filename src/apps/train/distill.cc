#include "make/train/distill/distill.h"

#include <CLI/CLI.hpp>

#include "apps/train/commands.h"
#include "apps/train/run_options.h"

namespace adder {
namespace {

struct DistillCommand : DistillOptions {
  std::string type_name = "f32";
};

Status start(DistillCommand& command) {
  const std::optional<Mix> mix = mix_from_name(command.type_name);
  if (!mix) return Error::usage("--type {}: no such type", command.type_name);
  command.type = *mix;
  if (!command.dry_run && (command.data.empty() || command.work.empty())) {
    return Error::usage("--data and --work are needed to train");
  }
  if (command.out.empty()) command.out = command.work / "student.gguf";
  if (!command.dry_run) TRY(join_team(command));
  return distill(command, stop_on_signal());
}

}  // namespace

void add_distill(CLI::App& app, Status& status) {
  auto options = std::make_shared<DistillCommand>();
  CLI::App* command = app.add_subcommand("distill", "train a student to say what a frozen teacher says");
  add_recipe_options(*command, options->recipe, "recipes/elastic/NAME.toml");
  command->add_option("--teacher", options->teacher, "GGUF file or Hugging Face directory")->required();
  command->add_option("--student", options->student, "the same; what `adder slice` cut out, for example")->required();
  command->add_option("--data", options->data, "folders of <id>-<title>.txt or .jsonl; the recipe's weights mix them");
  add_run_options(*command, *options);
  command->add_option("--teacher-cache", options->teacher_cache,
                      "a folder to keep what the teacher says in, for later epochs and runs");
  command->add_option("--out", options->out, "the trained student, NAME.gguf or a new folder (WORK/student.gguf)");
  command->add_option("--type", options->type_name, "f32, bf16; in GGUF also q8_0, q4_k_m, ...")->capture_default_str();
  command->add_flag("--dry-run", options->dry_run, "check recipe and shapes, print the memory it takes, train nothing");
  command->footer(
      "Examples:\n"
      "  adder-train distill recipes/elastic/laptop-distill.toml --teacher parent.gguf --student child.gguf \\\n"
      "      --data PROSE --work LEG\n"
      "  adder-train distill recipes/elastic/laptop-distill.toml --teacher parent.gguf --student child.gguf --dry-run");
  command->callback([options, &status] { status = start(*options); });
}

}  // namespace adder
