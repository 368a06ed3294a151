#pragma once

#include "core/base/result.h"

namespace CLI {
class App;
}

namespace adder {

// Each adds one subcommand; what became of it is in `status` after parsing.
void add_synth_data(CLI::App& app, Status& status);
void add_tokenizer(CLI::App& app, Status& status);
void add_pretrain(CLI::App& app, Status& status);
void add_elastic(CLI::App& app, Status& status);
void add_distill(CLI::App& app, Status& status);
void add_evaluate(CLI::App& app, Status& status);
void add_export(CLI::App& app, Status& status);
void add_compare_runs(CLI::App& app, Status& status);
void add_completion(CLI::App& app, Status& status);

}  // namespace adder
