#pragma once

#include <CLI/CLI.hpp>

#include "run/generate/sampler.h"

namespace adder {

/// --temp, --top-k and the rest, with their defaults shown.
void add_sampling_options(CLI::App& command, SamplerOptions& options);

}  // namespace adder
