#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "core/base/result.h"

namespace adder {

/// What is left to do once the command line has been understood.
using Action = std::function<Status()>;

/// One subcommand each: adds its options to `app` and, when the user chose it, puts its work into `chosen`.
void add_run(CLI::App& app, Action& chosen);
void add_chat(CLI::App& app, Action& chosen);
void add_inspect(CLI::App& app, Action& chosen);
void add_tokenize(CLI::App& app, Action& chosen);
void add_plan(CLI::App& app, Action& chosen);
void add_bench(CLI::App& app, Action& chosen);
void add_latency(CLI::App& app, Action& chosen);
void add_perplexity(CLI::App& app, Action& chosen);
void add_compare(CLI::App& app, Action& chosen);
void add_logits(CLI::App& app, Action& chosen);
void add_solve(CLI::App& app, Action& chosen);
void add_imatrix(CLI::App& app, Action& chosen);
void add_importance(CLI::App& app, Action& chosen);
void add_sensitivity(CLI::App& app, Action& chosen);
void add_quantize(CLI::App& app, Action& chosen);
void add_slice(CLI::App& app, Action& chosen);
void add_nest(CLI::App& app, Action& chosen);
void add_convert(CLI::App& app, Action& chosen);
void add_verify(CLI::App& app, Action& chosen);
/// `status`: what `adder` is to end with when the work is done; 1 when the two models differ.
void add_diff(CLI::App& app, Action& chosen, int& status);
void add_synth(CLI::App& app, Action& chosen);
void add_pull(CLI::App& app, Action& chosen);
void add_list(CLI::App& app, Action& chosen);
void add_rm(CLI::App& app, Action& chosen);
void add_completion(CLI::App& app, Action& chosen);

}  // namespace adder
