#pragma once

#include <CLI/CLI.hpp>

namespace adder {

/// How a program speaks of its own command line: `-n,--tokens N   most tokens to generate (default 128)`, descriptions
/// wrapped at 100 columns; mistakes as "adder run: what is wrong" and where help is. To be called before any subcommand
/// is added: they inherit both.
void set_help_style(CLI::App& app);

}  // namespace adder
