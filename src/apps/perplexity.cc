#include "make/eval/perplexity.h"

#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/eval_options.h"
#include "apps/json_output.h"

namespace adder {
namespace {

struct PerplexityCommand : EvalCommand {
  std::string model;
};

Status run_perplexity(PerplexityCommand c) {
  PerplexityReport report;
  {
    Progress progress("reading");
    prepare(c, progress);
    TRY_ASSIGN(const OpenedEngine opened, open_engine(c.model, c.engine));
    TRY_ASSIGN(const std::vector<TokenId> tokens, eval_tokens(c, opened.engine->tokenizer()));
    TRY_ASSIGN(report, perplexity(*opened.engine, tokens, c.eval));
  }
  if (c.json) {
    print_json(report.to_json());
  } else {
    fmt::print("{}", report.to_text());
  }
  return {};
}

}  // namespace

void add_perplexity(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<PerplexityCommand>();
  CLI::App* command = app.add_subcommand("perplexity", "Measure how well a model predicts a text");
  add_model_argument(*command, c->model);
  add_eval_options(*command, *c);
  command->footer(
      "Examples:\n"
      "  adder perplexity --data book.txt\n"
      "  adder perplexity model.gguf --data wiki.test.raw --context 512 --windows 32 --json");
  command->callback([c, &chosen] { chosen = [c] { return run_perplexity(*c); }; });
}

}  // namespace adder
