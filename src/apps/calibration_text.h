#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "make/eval/windows.h"

namespace adder {

/// The texts that a model is calibrated on, and how they are cut.
struct CalibrationText {
  std::vector<std::string> files;
  int64_t context = 512, max_windows = 0;
};

/// --data, --context, --windows.
void add_calibration_text_options(CLI::App& command, CalibrationText& text);

/// Consecutive windows of each file, the first token of each replaced by BOS; what is left over at a file's end is left
/// out. A file too short for one window is kUsage.
Result<std::vector<Window>> calibration_windows(const CalibrationText& text, const Tokenizer& tokenizer);

}  // namespace adder
