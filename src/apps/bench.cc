#include <algorithm>
#include <map>
#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/interrupt.h"
#include "apps/model_path.h"
#include "apps/progress.h"
#include "make/bench/report.h"
#include "make/bench/versus.h"

namespace adder {
namespace {

struct BenchOptions {
  std::string model, size;
  CaseLists lists;
  int repetitions = 5;
  DType kv_type = EngineOptions{}.kv_type, state_type = EngineOptions{}.state_type;
  BenchFormat format = BenchFormat::kTable;
  bool profile = false;
  std::string other;  ///< another adder to be compared with
};

/// Work done against all there will be, in tokens.
class BenchProgress {
 public:
  BenchProgress(const std::vector<Case>& cases, int repetitions, bool profile) {
    int64_t depth = 0;
    for (const Case& c : cases) {
      total_ += Workload::past_tokens(c, depth) + (repetitions + 1) * Workload::run_tokens(c);
      if (profile) total_ += Workload::past_tokens(c, depth) + 2 * Workload::run_tokens(c);
      depth = c.depth;
    }
  }
  OnTokens listener() {
    return [this](int64_t tokens) {
      done_ += tokens;
      bar_.update(static_cast<double>(done_) / static_cast<double>(total_));
      return !interrupted();
    };
  }

 private:
  int64_t total_ = 0, done_ = 0;
  Progress bar_{"measuring"};
};

/// The cases of one number of threads, on an engine that has just as much room as they need.
Status bench_team(const BenchOptions& o, std::span<const Case> cases, const OnTokens& on_tokens, BenchReport& report) {
  EngineOptions options{
      .threads = cases.front().threads, .kv_type = o.kv_type, .state_type = o.state_type, .context = 1, .size = o.size};
  for (const Case& c : cases) {
    options.context = std::max(options.context, c.positions());
    options.sequences = std::max(options.sequences, c.batch);
  }
  TRY_ASSIGN(OpenedEngine opened, open_engine(o.model, options));
  report.model = opened.path;
  report.isa = opened.engine->model().ops().name;
  const size_t first = report.rows.size();
  {
    SpeedMeter meter(*opened.engine, on_tokens);
    for (const Case& c : cases) {
      TRY_ASSIGN(const SpeedReport speed, meter.measure(c, o.repetitions));
      report.rows.push_back({c, opened.load_seconds, speed});
    }
  }
  if (!o.profile) return {};
  options = opened.engine->options();
  opened.engine.reset();  // not two models at a time
  TRY_ASSIGN(const auto profiler, Profiler::open(opened.path, options, on_tokens));
  for (size_t i = 0; i < cases.size(); ++i) {
    TRY_ASSIGN(report.rows[first + i].profile, profiler->measure(cases[i]));
  }
  return {};
}

/// This program and the other one in turns, each run a process of its own.
Status bench_versus(const BenchOptions& o, const std::vector<Case>& cases) {
  TRY_ASSIGN(const std::filesystem::path model, model_path(o.model));
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return Error::io("/proc/self/exe: {}", error.message());
  VersusReport report{model.string(), self.string(), o.other, o.repetitions, {}};
  const auto with = [&](const std::filesystem::path& program) -> RunCase {
    return [&o, &model, program](const Case& c) -> Result<Rates> {
      auto rates = run_bench(program, model, c, o.kv_type, o.state_type);
      if (interrupted()) return Error::cancelled("interrupted");
      return rates;
    };
  };
  for (const Case& c : cases) {
    TRY_ASSIGN(report.rows.emplace_back(), compare_in_turns(with(self), with(o.other), c, o.repetitions));
  }
  fmt::print("{}", render(report, o.format));
  return {};
}

Status bench(const BenchOptions& o) {
  if (o.profile && o.format == BenchFormat::kCsv)
    return Error::usage("a profile has rows of its own: --profile goes with table, markdown, json and html");
  TRY_ASSIGN(const std::vector<Case> cases, combinations(o.lists, kMostContext));
  if (!o.other.empty()) return bench_versus(o, cases);
  BenchReport report{.model = {},
                     .isa = {},
                     .kv_type = o.kv_type,
                     .state_type = o.state_type,
                     .repetitions = o.repetitions,
                     .rows = {}};
  {
    BenchProgress progress(cases, o.repetitions, o.profile);
    for (size_t begin = 0, end = 0; begin < cases.size(); begin = end) {
      while (end < cases.size() && cases[end].threads == cases[begin].threads) ++end;
      TRY(bench_team(o, std::span(cases).subspan(begin, end - begin), progress.listener(), report));
    }
  }
  fmt::print("{}", render(report, o.format));
  return {};
}

void add_list(CLI::App& command, const std::string& names, std::vector<int64_t>& list, const std::string& description) {
  std::string standard;
  for (const int64_t value : list) standard += (standard.empty() ? "" : ",") + std::to_string(value);
  command
      .add_option_function<std::string>(
          names,
          [&list, names](const std::string& text) {
            auto parsed = parse_list(text);
            if (!parsed) throw CLI::ValidationError(names, parsed.error().message());
            list = *std::move(parsed);
          },
          description)
      ->type_name("N,...")
      ->default_str(standard);
}

}  // namespace

void add_bench(CLI::App& app, Action& chosen) {
  auto o = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand("bench", "Measure the speed of a model on this machine");
  add_model_argument(*command, o->model);
  add_list(*command, "--prompt", o->lists.prompt, "tokens of the prompt");
  add_list(*command, "--generate", o->lists.generate, "tokens generated after it");
  add_list(*command, "--depth", o->lists.depth, "tokens already seen before the prompt");
  add_list(*command, "--batch", o->lists.batch, "sequences that generate together; tokens/s are those of all");
  add_list(*command, "-t,--threads", o->lists.threads, "threads (default: the cores this process may use)");
  command->add_option("--repetitions", o->repetitions, "timed runs; medians are reported")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_kv_type_option(*command, o->kv_type);
  add_state_type_option(*command, o->state_type);
  add_nested_size_option(*command, o->size);
  const std::map<std::string, BenchFormat> formats = {{"table", BenchFormat::kTable},
                                                      {"markdown", BenchFormat::kMarkdown},
                                                      {"csv", BenchFormat::kCsv},
                                                      {"json", BenchFormat::kJson},
                                                      {"html", BenchFormat::kHtml}};
  CLI::Option* format =
      command->add_option("--format", o->format, "table, markdown, csv, json or html (default table)")
          ->transform(CLI::CheckedTransformer(formats).description("table, markdown, csv, json or html"))
          ->type_name("FORMAT");
  command
      ->add_flag_callback(
          "--json", [o] { o->format = BenchFormat::kJson; }, "the same as --format json")
      ->excludes(format);
  CLI::Option* profile =
      command->add_flag("--profile", o->profile, "where the time goes, op by op, in runs of their own");
  command->add_option("--compare", o->other, "another adder: run both in turns, and print the ratio of their speeds")
      ->type_name("PROGRAM")
      ->check(CLI::ExistingFile.description(""))
      ->excludes(profile)
      ->excludes(command->get_option("--size"));
  command->footer(
      "Every combination of the lists is measured: a row, or a JSON object, in an array when there are several.\n"
      "Prompts are random tokens; the first run of each row warms up and does not count. GB/s are the weights,\n"
      "state and keys that a pass touches; the bound is what the same threads read from a gibibyte of memory,\n"
      "measured between the runs. GOP/s count what the model asks for. In a batch prompts are read one by one.\n"
      "Joules a token are those of the whole machine, where it counts them (RAPL, amd_energy, Jetson).\n\n"
      "Examples:\n"
      "  adder bench\n"
      "  adder bench model.gguf --prompt 512,8192 --depth 0,8192 --threads 1,2\n"
      "  adder bench model.gguf --prompt 64 --batch 1,8 --format markdown\n"
      "  adder bench model.gguf --profile --threads 2\n"
      "  adder bench model.gguf --prompt 128 --compare ./adder-before --repetitions 7\n"
      "  adder bench model.gguf --format html > speed.html\n"
      "  adder bench --json | jq .generate_tokens_per_s");
  command->callback([o, &chosen] { chosen = [o] { return bench(*o); }; });
}

}  // namespace adder
