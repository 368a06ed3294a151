#pragma once

#include <CLI/CLI.hpp>

#include "apps/progress.h"
#include "make/eval/perplexity.h"

namespace adder {

/// What perplexity and compare have in common: a text, how it is cut, and the team that works on it.
struct EvalCommand {
  std::string data;  ///< may be empty where the text is not needed
  EngineOptions engine;
  EvalOptions eval;
  bool every_token = false, json = false;
};

/// --data (the caller says whether it is required), --context, --every-token, --windows, --threads, --kv-type, --json.
void add_eval_options(CLI::App& command, EvalCommand& c);

/// Engine options with room for a window, and evaluation options that show progress and listen for Ctrl-C. `progress`
/// must outlive the evaluation.
void prepare(EvalCommand& c, Progress& progress);

/// The ids of the text that --data names ("-": standard input).
Result<std::vector<TokenId>> eval_tokens(const EvalCommand& c, const Tokenizer& tokenizer);

}  // namespace adder
