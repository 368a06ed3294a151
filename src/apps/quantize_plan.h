#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "make/quantize/quantize.h"

namespace adder {

/// How a command line asks for types that are chosen for a size.
struct PlanRequest {
  int64_t size_limit = 0;   ///< bytes of the file; 0: not given
  double bits = 0;          ///< per weight, tensor data alone; 0: not given
  std::string sensitivity;  ///< the table's file
  bool by_role = false;     ///< it is of another model, and tells of roles alone
  bool asked() const { return size_limit > 0 || bits > 0; }
};

/// --size-limit, --bpw, --sensitivity, --by-role.
void add_plan_options(CLI::App& command, PlanRequest& request);

/// Which tensor gets which type, and what that costs.
struct QuantizePlan {
  TypePlan types;
  std::vector<TensorSpec> tensors;
  std::vector<std::optional<double>> divergence;  ///< predicted, where a table tells
  uint64_t overhead = 0;                          ///< bytes of the file beside tensor data, at most

  uint64_t data_bytes() const;
  double bits_per_weight() const;
  std::optional<double> total_divergence() const;  ///< none where a matrix's is not known
};

/// The plan for `input`: by the request if it asks for a size, else the types of `options`. With a sensitivity table
/// of this model every matrix's divergence is predicted. Errors: a size without a table, a table of another model or
/// importance (kUsage), a size that cannot be reached (kTooLarge), those of the files.
Result<QuantizePlan> make_plan(const std::filesystem::path& input, const PlanRequest& request,
                               const QuantizeOptions& options);

void print_plan(const QuantizePlan& plan, bool json);

}  // namespace adder
