#pragma once

#include <CLI/CLI.hpp>

#include "make/quantize/mix.h"

namespace adder {

/// --type: one of the recipes that give every tensor its type. With `fp8` also the name "fp8", which is none of them.
void add_mix_option(CLI::App& command, Mix& mix, bool* fp8 = nullptr);

}  // namespace adder
