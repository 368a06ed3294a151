#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "make/calib/imatrix.h"

namespace adder {

/// What a command line says of how weights are to be rounded.
struct ImatrixRequest {
  std::string file;      ///< empty: no importance matrix
  std::string rounding;  ///< "nearest", "compensated"; empty: compensated if the file has what it takes
};

/// --imatrix, --rounding.
void add_imatrix_options(CLI::App& command, ImatrixRequest& request);

/// The file, without its Gram matrices if each number is to be rounded by itself. Errors: those of `Imatrix::read`;
/// compensation asked for without Gram matrices (kUsage).
Result<std::optional<Imatrix>> read_imatrix(const ImatrixRequest& request);

}  // namespace adder
