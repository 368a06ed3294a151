#include "make/synth/synth.h"

#include <fmt/ranges.h>

#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/fp8_policy_option.h"
#include "apps/interrupt.h"
#include "apps/mix_option.h"
#include "apps/progress.h"
#include "core/arch/budget.h"
#include "core/arch/config_json.h"
#include "core/arch/presets.h"
#include "core/base/atomic_file.h"
#include "core/formats/hf_directory.h"

namespace adder {
namespace {

struct SynthCommand {
  std::string preset = "tiny", config_path, output;
  SynthOptions options;
  bool hugging_face = false, to_fp8 = false;
  Fp8Policy policy = Fp8Policy::kSelective;
};

Result<ModelConfig> shape_of(const SynthCommand& c) {
  if (c.config_path.empty()) {
    if (const auto preset = find_preset(c.preset)) return *preset;
    return Error::usage("--preset {}: there are {}", c.preset, fmt::join(preset_names(), ", "));
  }
  TRY_ASSIGN(const std::string text, read_file(c.config_path));
  TRY_ASSIGN(const nlohmann::json json, parse_json(text, c.config_path, JsonNumbers::kPython));
  auto config = config_from_json(json);
  if (!config) return std::move(config).error().in(c.config_path);
  return config;
}

Status run_synth(SynthCommand c) {
  TRY_ASSIGN(const ModelConfig config, shape_of(c));
  TRY(validate(config));
  c.options.layout = c.hugging_face ? Layout::kHuggingFace : Layout::kGguf;
  if (c.to_fp8 && !c.hugging_face) return Error::usage("GGUF has no FP8: --type fp8 goes with --hf");
  if (c.to_fp8) c.options.fp8 = c.policy;
  if (c.config_path.empty()) c.options.name = c.preset;
  {
    Progress progress("drawing weights");
    c.options.progress = [&](const SynthProgress& at) -> Status {
      if (interrupted()) return Error::cancelled("interrupted; nothing was written");
      progress.update(static_cast<double>(at.bytes_done) / static_cast<double>(at.bytes_total));
      return {};
    };
    TRY(synthesize(config, c.output, c.options));
  }
  fmt::print(stderr, "{}: {} parameters, random, {}\n", c.output, parameter_count(config),
             c.to_fp8 ? "fp8" : info(c.options.mix).name);
  return {};
}

}  // namespace

void add_synth(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<SynthCommand>();
  CLI::App* command = app.add_subcommand("synth", "Write a model of a given shape with random weights");
  command->add_option("OUT", c->output, "file to write (a directory with --hf)")->required();
  const auto names = preset_names();
  auto* preset = command->add_option("--preset", c->preset, fmt::format("{}", fmt::join(names, ", ")))
                     ->check(CLI::IsMember(std::vector<std::string>(names.begin(), names.end())))
                     ->type_name("NAME")
                     ->capture_default_str();
  command->add_option("--config", c->config_path, "shape from a config.json instead")->excludes(preset);
  add_mix_option(*command, c->options.mix, &c->to_fp8);
  command->add_flag("--hf", c->hugging_face, "Hugging Face layout, for types f32, f16, bf16 and fp8");
  add_fp8_policy_option(*command, c->policy);
  command->add_option("--seed", c->options.seed, "the same seed gives the same bytes")->capture_default_str();
  add_threads_option(*command, c->options.threads);
  command->footer(
      "Activations stay sane, so speed and memory can be measured without a download; the text it generates means\n"
      "nothing.\n\n"
      "Examples:\n"
      "  adder synth --preset tiny tiny.gguf\n"
      "  adder synth --preset nano-4b --type q4_k_m nano-4b.gguf && adder bench nano-4b.gguf\n"
      "  adder synth --preset nano-4b --type fp8 --hf nano-4b-fp8\n"
      "  adder synth --config config.json --type f32 shaped.gguf");
  command->callback([c, &chosen] { chosen = [c] { return run_synth(*c); }; });
}

}  // namespace adder
