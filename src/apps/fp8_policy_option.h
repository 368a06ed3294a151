#pragma once

#include <CLI/CLI.hpp>

#include "make/fp8/policy.h"

namespace adder {

/// --fp8-policy: selective, layers or all.
void add_fp8_policy_option(CLI::App& command, Fp8Policy& policy);

}  // namespace adder
