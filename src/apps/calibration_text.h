#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "core/formats/model_file.h"
#include "make/eval/windows.h"

namespace adder {

/// The texts that a model is calibrated on, and how they are cut.
struct CalibrationText {
  std::vector<std::string> files;
  int64_t context = 512, max_windows = 0;
};

/// --data, --context, --windows.
void add_calibration_text_options(CLI::App& command, CalibrationText& text);

/// Of a text file consecutive windows, the first token of each replaced by BOS; what is left over at the file's end is
/// left out, and a file too short for one window is kUsage. Of a .jsonl file a window for each line, cut off at the
/// context: an object with "text", or with "messages" (chat_format.h), written as the model's own template writes them;
/// another line is kCorrupt, with its number.
Result<std::vector<Window>> calibration_windows(const CalibrationText& text, const ModelFile& model,
                                                const Tokenizer& tokenizer);

}  // namespace adder
