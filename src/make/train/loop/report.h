#pragma once

#include <filesystem>
#include <string>

#include "core/base/result.h"

namespace adder {

/// Reads a run's metrics and writes one self-contained HTML page (inline SVG, nothing loaded from elsewhere): loss,
/// bits per byte, learning rate, gradient norm and speed over tokens seen.
Status write_report(const std::filesystem::path& metrics, const std::filesystem::path& html, const std::string& title);

}  // namespace adder
