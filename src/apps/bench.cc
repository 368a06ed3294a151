#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/progress.h"
#include "make/bench/speed.h"

namespace adder {
namespace {

struct BenchOptions {
  std::string model;
  SpeedOptions speed;
  EngineOptions engine;
  bool json = false;
};

void print_table(const OpenedEngine& opened, const SpeedReport& r) {
  const auto row = [](std::string_view label, const Spread& s, std::string_view unit, double scale = 1) {
    fmt::print("{:<22} {:>10.2f} {} ({:.2f} to {:.2f})\n", label, s.median * scale, unit, s.low * scale,
               s.high * scale);
  };
  const Engine& engine = *opened.engine;
  fmt::print("{}, {} threads, {}\n", opened.path, engine.options().threads, engine.model().ops().name);
  row("prompt", r.prompt_tokens_per_s, "tokens/s");
  row("generation", r.generate_tokens_per_s, "tokens/s");
  row("time to first token", r.time_to_first_token_s, "ms", 1e3);
  fmt::print("{:<22} {:>10.2f} ms\n", "load", opened.load_seconds * 1e3);
  fmt::print("{:<22} {:>10.1f} MB\n", "peak memory", static_cast<double>(r.peak_rss_bytes) / 1e6);
  fmt::print("{:<22} {:>10.1f} MB, {:.0f} % of the {:.1f} GB/s this machine reads\n", "read per token",
             static_cast<double>(r.bytes_per_token) / 1e6, r.bandwidth_share * 100, r.read_bandwidth / 1e9);
}

Json to_json(const Spread& s) {
  return {{"median", s.median}, {"low", s.low}, {"high", s.high}};
}

Json to_json(const OpenedEngine& opened, const BenchOptions& o, const SpeedReport& r) {
  const Engine& engine = *opened.engine;
  return {{"model", opened.path},
          {"isa", engine.model().ops().name},
          {"threads", engine.options().threads},
          {"kv_type", name(engine.options().kv_type)},
          {"prompt", o.speed.prompt},
          {"generate", o.speed.generate},
          {"depth", o.speed.depth},
          {"repetitions", o.speed.repetitions},
          {"prompt_tokens_per_s", r.prompt_tokens_per_s.median},
          {"generate_tokens_per_s", r.generate_tokens_per_s.median},
          {"time_to_first_token_s", r.time_to_first_token_s.median},
          {"load_s", opened.load_seconds},
          {"peak_rss_bytes", r.peak_rss_bytes},
          {"bytes_per_token", r.bytes_per_token},
          {"read_bandwidth_bytes_per_s", r.read_bandwidth},
          {"read_bandwidth_share", r.bandwidth_share},
          {"spread",
           {{"prompt_tokens_per_s", to_json(r.prompt_tokens_per_s)},
            {"generate_tokens_per_s", to_json(r.generate_tokens_per_s)},
            {"time_to_first_token_s", to_json(r.time_to_first_token_s)}}}};
}

Status bench(BenchOptions o) {
  o.engine.context = o.speed.depth + o.speed.prompt + o.speed.generate;
  TRY_ASSIGN(const OpenedEngine opened, open_engine(o.model, o.engine));
  SpeedReport report;
  {
    Progress progress("measuring");
    TRY_ASSIGN(report, measure_speed(*opened.engine, o.speed, [&](double fraction) {
                 progress.update(fraction);
                 return !interrupted();
               }));
  }
  if (o.json) {
    print_json(to_json(opened, o, report));
  } else {
    print_table(opened, report);
  }
  return {};
}

}  // namespace

void add_bench(CLI::App& app, Action& chosen) {
  auto o = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand("bench", "Measure the speed of a model on this machine");
  add_model_argument(*command, o->model);
  const auto tokens = CLI::Range(int64_t{1}, kMostContext);
  command->add_option("--prompt", o->speed.prompt, "tokens of the prompt")->check(tokens)->capture_default_str();
  command->add_option("--generate", o->speed.generate, "tokens generated after it")
      ->check(tokens)
      ->capture_default_str();
  command->add_option("--depth", o->speed.depth, "tokens already seen before the prompt")
      ->check(CLI::Range(int64_t{0}, kMostContext))
      ->capture_default_str();
  command->add_option("--repetitions", o->speed.repetitions, "timed runs; medians are reported")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_team_options(*command, o->engine);
  command->add_flag("--json", o->json, "print JSON");
  command->footer(
      "Prompts are random tokens; the first run warms up and does not count.\n\n"
      "Examples:\n"
      "  adder bench\n"
      "  adder bench model.gguf --prompt 512 --generate 128 --depth 4096 --threads 4 --json");
  command->callback([o, &chosen] { chosen = [o] { return bench(*o); }; });
}

}  // namespace adder
