#include "make/eval/solve.h"

#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/progress.h"
#include "make/problems/problem_files.h"

namespace adder {
namespace {

struct SolveCommand {
  std::string model, problems;
  EngineOptions engine;
  bool json = false;
};

Status run_solve(const SolveCommand& c) {
  TRY_ASSIGN(const std::vector<Problem> problems, read_problems(c.problems));
  TRY_ASSIGN(const OpenedEngine opened, open_engine(c.model, c.engine));
  SolveReport report;
  {
    Progress progress("asking");
    TRY_ASSIGN(report, solve(*opened.engine, problems, [&](double done) -> Status {
                 if (interrupted()) return Error::cancelled("interrupted");
                 progress.update(done);
                 return {};
               }));
  }
  if (c.json) {
    print_json(report.to_json());
  } else {
    fmt::print("{}", report.to_text());
  }
  return {};
}

}  // namespace

void add_solve(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<SolveCommand>();
  CLI::App* command = app.add_subcommand("solve", "Ask a model problems with known answers and count the right ones");
  add_model_argument(*command, c->model);
  command->add_option("--problems", c->problems, "problems.jsonl of 'adder-train synth-data'")
      ->type_name("FILE")
      ->required();
  command->add_flag("--json", c->json, "counts by task and level as JSON");
  add_engine_options(*command, c->engine);
  add_nested_size_option(*command, c->engine.size);
  command->footer(
      "Answers are greedy, and right if they are the known one to the letter and end there.\n\n"
      "Examples:\n"
      "  adder-train synth-data --out problems --tests 200\n"
      "  adder solve model.gguf --problems problems/problems.jsonl");
  command->callback([c, &chosen] { chosen = [c] { return run_solve(*c); }; });
}

}  // namespace adder
