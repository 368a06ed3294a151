#pragma once

#include <functional>
#include <span>

#include "make/eval/windows.h"
#include "run/model/forward.h"

namespace adder {

/// Runs `engine` over every position of the windows and shows `tap` the inputs of all matrix products, those of the
/// output matrix only `with_output` (its product is a fifth of a small model's work). Errors: those of `Forward::run`,
/// and what `progress` returns, which is told the share of the windows that is done.
Status observe(Engine& engine, std::span<const Window> windows, bool with_output, const OnLinear& tap,
               const std::function<Status(double done)>& progress);

}  // namespace adder
