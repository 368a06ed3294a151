#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "make/eval/divergence.h"

namespace adder {

/// A text on which a new model is compared with what it was made of, for its receipt.
struct ReceiptText {
  std::string data;  ///< empty: nothing is measured
  int64_t windows = 0;
};

/// --data, --windows.
void add_receipt_text_options(CLI::App& command, ReceiptText& text);

/// Measures `child` against `parent` in windows of 512 tokens with F32 keys and values, and writes the divergence into
/// the child's receipt. Errors: those of `divergence` and `record_divergence`.
Result<DivergenceReport> measure_for_receipt(const ReceiptText& text, const std::filesystem::path& parent,
                                             const std::filesystem::path& child, int threads);

}  // namespace adder
