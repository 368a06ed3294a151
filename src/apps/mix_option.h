#pragma once

#include <CLI/CLI.hpp>

#include "make/quantize/mix.h"

namespace adder {

/// --type: one of the recipes that give every tensor its type.
void add_mix_option(CLI::App& command, Mix& mix);

}  // namespace adder
