#pragma once

#include <string>
#include <utility>
#include <vector>

namespace adder {

constexpr double kChartWidth = 720;  ///< of every chart: they stand one below the other

/// One line of a chart: (x, y) points in order of x.
struct Curve {
  std::string name, colour;
  std::vector<std::pair<double, double>> points;
};

/// Which axes are logarithmic; what is not above zero is not drawn there.
struct LogAxes {
  bool x = false, y = false;
};

/// A line chart with axes and legend as one <svg> element. Curves without points are left out; no points at all gives
/// an empty frame.
std::string line_chart(const std::string& title, const std::string& x_axis, const std::vector<Curve>& curves,
                       LogAxes log = {});

/// One bar: its length from zero, the range it was seen in as a thin line over its end, and how high it could have been
/// as a mark. low == high draws no range, a limit of 0 no mark.
struct Bar {
  std::string name;
  double value = 0, low = 0, high = 0, limit = 0;
};

/// Horizontal bars on one scale from zero, the value written behind each, as one <svg> element. Values are not
/// negative.
std::string bar_chart(const std::string& title, const std::vector<Bar>& bars);

/// One row of a heat map; values are not negative.
struct HeatRow {
  std::string name;
  std::vector<double> values;
};

/// Rows of cells as one <svg> element, all rows of one width whatever their number of cells. A cell is as dark as its
/// value is large against the largest of its own row.
std::string heat_map(const std::string& title, const std::vector<HeatRow>& rows);

}  // namespace adder
