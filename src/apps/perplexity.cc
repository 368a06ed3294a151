#include "make/eval/perplexity.h"

#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/eval_options.h"
#include "apps/json_output.h"
#include "make/eval/base_logits.h"

namespace adder {
namespace {

struct PerplexityCommand : EvalCommand {
  std::string model, save_logits;
};

/// `perplexity`, its logits going to a file beside.
Result<PerplexityReport> measure_and_save(Engine& engine, const std::vector<TokenId>& tokens, PerplexityCommand& c) {
  TRY_ASSIGN(const std::vector<Window> windows, evaluation_windows(engine, tokens, c.eval));
  TRY_ASSIGN(BaseLogitsWriter writer,
             BaseLogitsWriter::create(c.save_logits, windows, engine.model().config().vocab_size));
  c.eval.on_logits = [&](std::span<const float> logits) { return writer.add(logits); };
  TRY_ASSIGN(const PerplexityReport report, perplexity(engine, tokens, c.eval));
  TRY(writer.finish());
  return report;
}

Status run_perplexity(PerplexityCommand c) {
  PerplexityReport report;
  {
    Progress progress("reading");
    prepare(c, progress);
    TRY_ASSIGN(const OpenedEngine opened, open_engine(c.model, c.engine));
    TRY_ASSIGN(const std::vector<TokenId> tokens, eval_tokens(c, opened.engine->tokenizer()));
    if (c.save_logits.empty()) {
      TRY_ASSIGN(report, perplexity(*opened.engine, tokens, c.eval));
    } else {
      TRY_ASSIGN(report, measure_and_save(*opened.engine, tokens, c));
    }
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
  add_nested_size_option(*command, c->engine.size);
  command->get_option("--data")->required();
  command
      ->add_option("--save-logits", c->save_logits,
                   "also write the predictions, as llama-perplexity does, for 'adder compare FILE CHILD'")
      ->type_name("FILE")
      ->excludes(command->get_option("--every-token"));
  command->footer(
      "Examples:\n"
      "  adder perplexity --data book.txt\n"
      "  adder perplexity model.gguf --data wiki.test.raw --context 512 --windows 32 --json\n"
      "  adder perplexity model-bf16.gguf --data book.txt --save-logits book.kld");
  command->callback([c, &chosen] { chosen = [c] { return run_perplexity(*c); }; });
}

}  // namespace adder
