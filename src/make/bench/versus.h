#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "make/bench/report.h"

namespace adder {

/// What one run said of a case, tokens/s.
struct Rates {
  double prompt = 0, generate = 0;
};

/// Runs `PROGRAM bench MODEL --json` on one case, one timed run after its warm-up, as any adder since the first
/// understands it (`--batch` is said only where it is not 1). Errors: a program that cannot be started (kNotFound),
/// fails or does not print such JSON (kUnsupported); its messages go to standard error.
Result<Rates> run_bench(const std::filesystem::path& program, const std::filesystem::path& model, const Case& c,
                        DType kv_type, DType state_type = DType::kF32);

/// Two programs on one case, run in turns: A B A B ... A round's ratio is A's rate by B's right after it, so that what
/// both suffer cancels.
struct VersusRow {
  Case measured;
  struct Sides {
    Spread a, b, ratio;
  };
  Sides prompt, generate;
};
using RunCase = std::function<Result<Rates>(const Case&)>;
Result<VersusRow> compare_in_turns(const RunCase& a, const RunCase& b, const Case& c, int rounds);

struct VersusReport {
  std::string model, a, b;  ///< paths
  int rounds = 0;
  std::vector<VersusRow> rows;
};
std::string render(const VersusReport& report, BenchFormat format);

}  // namespace adder
