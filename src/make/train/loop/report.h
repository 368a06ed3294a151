#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace adder {

/// One line of a chart: (x, y) points in order of x.
struct Curve {
  std::string name, colour;
  std::vector<std::pair<double, double>> points;
};

/// A line chart with axes and legend as one <svg> element. Curves without points are left out; no points at all gives
/// an empty frame.
std::string svg_chart(const std::string& title, const std::string& x_axis, const std::vector<Curve>& curves);

/// Reads a run's metrics and writes one self-contained HTML page (inline SVG, nothing loaded from elsewhere): loss,
/// bits per byte, learning rate, gradient norm and speed over tokens seen.
Status write_report(const std::filesystem::path& metrics, const std::filesystem::path& html, const std::string& title);

}  // namespace adder
