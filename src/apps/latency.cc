#include "make/bench/latency.h"

#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/mix_option.h"
#include "apps/model_path.h"
#include "apps/progress.h"
#include "core/arch/bind.h"
#include "core/arch/presets.h"
#include "core/base/atomic_file.h"
#include "make/bench/cases.h"

namespace adder {
namespace {

struct LatencyCommand {
  std::string model, preset, output;
  LatencyGrid grid;
  LatencyOptions options;
};

Result<ModelConfig> shape_of(const LatencyCommand& c) {
  if (!c.preset.empty()) {
    if (const auto preset = find_preset(c.preset)) return *preset;
    return Error::usage("--preset {}: there are {}", c.preset, fmt::join(preset_names(), ", "));
  }
  TRY_ASSIGN(const std::filesystem::path path, model_path(c.model));
  TRY_ASSIGN(const ModelFile file, ModelFile::open(path));
  return read_config(file);
}

Status run_latency(LatencyCommand c) {
  TRY_ASSIGN(const ModelConfig config, shape_of(c));
  const LatencyGrid usual = default_grid(config);
  for (const auto list :
       {&LatencyGrid::hidden, &LatencyGrid::ffn, &LatencyGrid::mamba_heads, &LatencyGrid::attention_heads})
    if ((c.grid.*list).empty()) c.grid.*list = usual.*list;
  nlohmann::ordered_json table;
  {
    Progress progress("measuring");
    c.options.progress = [&](double done) -> Status {
      if (interrupted()) return Error::cancelled("interrupted; nothing was written");
      progress.update(done);
      return {};
    };
    TRY_ASSIGN(table, measure_latency(config, c.grid, c.options));
  }
  if (c.output.empty()) {
    print_json(table);
    return {};
  }
  return write_file(c.output, table.dump(2) + "\n");
}

void add_sizes(CLI::App& command, const std::string& name, std::vector<int64_t>& sizes, const std::string& what) {
  command
      .add_option_function<std::string>(
          name,
          [name, &sizes](const std::string& text) {
            auto list = parse_list(text);
            if (!list) throw CLI::ValidationError(name, list.error().message());
            sizes = std::move(list).value();
          },
          what)
      ->type_name("I,J...");
}

}  // namespace

void add_latency(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<LatencyCommand>();
  CLI::App* command = app.add_subcommand("latency", "Measure how long each part of a model takes at several sizes");
  add_model_argument(*command, c->model);
  command
      ->add_option("--preset", c->preset, fmt::format("a published shape instead: {}", fmt::join(preset_names(), ", ")))
      ->excludes(command->get_option("MODEL"));
  add_mix_option(*command, c->options.mix);
  add_sizes(*command, "--hidden", c->grid.hidden, "widths of the residual stream, ascending");
  add_sizes(*command, "--ffn", c->grid.ffn, "neurons of an FFN layer");
  add_sizes(*command, "--mamba-heads", c->grid.mamba_heads, "heads of a Mamba layer");
  add_sizes(*command, "--attention-heads", c->grid.attention_heads, "heads of an attention layer");
  add_threads_option(*command, c->options.threads);
  command->add_option("-o,--out", c->output, "JSON file (default: standard output)")->type_name("FILE");
  command->footer(
      "Times are of one generated token, in microseconds, of random weights of each size. A router trained with\n"
      "cost = \"latency\" (adder-train elastic) finds the child that is fastest here. Sizes that are not said are a\n"
      "half, three quarters and all of the model's own.\n\n"
      "Examples:\n"
      "  adder latency --type q8_0 --out table.json\n"
      "  adder latency --preset nano-9b --type q4_k_m --hidden 3136,4480 --out orin.json");
  command->callback([c, &chosen] { chosen = [c] { return run_latency(*c); }; });
}

}  // namespace adder
