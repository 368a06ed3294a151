#include "make/train/export/export.h"

#include <CLI/CLI.hpp>

#include "apps/train/commands.h"
#include "apps/train/run_options.h"
#include "core/base/atomic_file.h"
#include "core/base/threads.h"
#include "make/train/loop/manifest.h"

namespace adder {
namespace {

struct ExportCommand {
  RecipeFile recipe;
  std::filesystem::path data, work, checkpoint, out, manifest;
  std::string type = "f32";
};

Status export_checkpoint(const ExportCommand& options) {
  const std::optional<Mix> mix = mix_from_name(options.type);
  if (!mix) return Error::usage("--type {}: no such type", options.type);
  TRY_ASSIGN(Workshop shop, Workshop::open(options.recipe, options.data, options.work));
  TRY(shop.trainer.load(options.checkpoint.empty() ? options.work / "last.ckpt" : options.checkpoint));
  const ExportNotes notes{.title = shop.recipe.name, .steps = {{training_step(shop), ""}}};
  TRY(export_model(shop.trainer.params(), shop.tokenizer.data(), notes, *mix, options.out));
  if (options.manifest.empty()) return {};
  const HeldOutLoss loss = shop.held_out_loss(0, available_threads());
  TRY_ASSIGN(const auto json, manifest(shop, loss, options.out));
  fmt::print(stderr, "{}: {:.4f} bits per byte on the held-out books\n", options.out.string(), loss.bits_per_byte);
  return write_file(options.manifest, json.dump(2) + "\n");
}

}  // namespace

void add_export(CLI::App& app, Status& status) {
  auto options = std::make_shared<ExportCommand>();
  CLI::App* command = app.add_subcommand("export", "write a checkpoint as GGUF file or Hugging Face directory");
  add_recipe_options(*command, options->recipe, "recipes/NAME.toml");
  command->add_option("--data", options->data, "folder of <id>-<title>.txt or .jsonl")->required();
  command->add_option("--work", options->work, "folder of the run")->required();
  command->add_option("--checkpoint", options->checkpoint, "default: WORK/last.ckpt");
  command->add_option("--out", options->out, "NAME.gguf, or a new folder")->required();
  command->add_option("--type", options->type, "f32, bf16; in GGUF also q8_0, q4_k_m, ...")->capture_default_str();
  command->add_option("--manifest", options->manifest, "also measure all held-out books and write this JSON file");
  command->callback([options, &status] { status = export_checkpoint(*options); });
}

}  // namespace adder
