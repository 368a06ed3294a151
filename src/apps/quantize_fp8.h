#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "apps/calibration_text.h"
#include "make/fp8/calibrate.h"

namespace adder {

/// What `quantize --type fp8` is asked for beside its input and output.
struct Fp8Request {
  CalibrationText text;
  std::optional<int64_t> samples;
  Fp8Options options;
  bool sweep = false;
};

/// --calib, --samples, --sample-tokens, --calibrator, --percentile, --fp8-policy, --fp8-kv, --sweep.
void add_fp8_options(CLI::App& command, Fp8Request& request);

/// Reads the samples, chooses scales, writes the directory and prints what became of each tensor. With `sweep` measures
/// configurations on the samples instead, prints them and writes a page.
Status quantize_to_fp8(const std::string& input, const std::string& output, const Fp8Request& request, int threads,
                       bool json);

}  // namespace adder
