#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/eval_options.h"
#include "apps/json_output.h"
#include "make/eval/divergence.h"

namespace adder {
namespace {

struct CompareCommand : EvalCommand {
  std::string parent, child;
};

Status run_compare(CompareCommand c) {
  DivergenceReport report;
  {
    Progress progress("comparing");
    prepare(c, progress);
    TRY_ASSIGN(const OpenedEngine parent, open_engine(c.parent, c.engine));
    TRY_ASSIGN(const OpenedEngine child, open_engine(c.child, c.engine));
    TRY_ASSIGN(const std::vector<TokenId> tokens, eval_tokens(c, parent.engine->tokenizer()));
    TRY_ASSIGN(report, divergence(*parent.engine, *child.engine, tokens, c.eval));
  }
  if (c.json) {
    print_json(report.to_json());
  } else {
    fmt::print("{}", report.to_text());
  }
  return {};
}

}  // namespace

void add_compare(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<CompareCommand>();
  CLI::App* command = app.add_subcommand("compare", "Measure how far a model has moved from its parent");
  command->add_option("PARENT", c->parent, "the model that is taken as the truth")->required();
  command->add_option("CHILD", c->child, "the model made from it")->required();
  add_eval_options(*command, *c);
  command->footer(
      "Perplexity of both, KL divergence, change of the true token's probability, and how often both rank the same\n"
      "token first.\n\n"
      "Examples:\n"
      "  adder compare model-f32.gguf model-q4_k_m.gguf --data book.txt\n"
      "  adder compare parent.gguf child.gguf --data book.txt --windows 16 --json");
  command->callback([c, &chosen] { chosen = [c] { return run_compare(*c); }; });
}

}  // namespace adder
