#pragma once

#include "core/base/result.h"

namespace adder {

/// How `adder` ends, for scripts that ask why:
///   0 done   1 the system refused (disk, memory)   2 usage   3 not found   4 broken file   5 unsupported
///   6 too large (context, memory, a stated limit)   7 network (not reached, broke off, server failed: try again later)
///   8 denied (the Hub wants terms accepted or another token)   130 interrupted
int exit_status(ErrorCode code);

/// The same table, for --help.
inline constexpr const char* kExitStatusHelp =
    "Exit status: 0 done, 1 failure, 2 usage, 3 not found, 4 broken file, 5 unsupported, 6 too large,\n"
    "7 network, 8 denied by the Hub, 130 interrupted.";

}  // namespace adder
