#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "make/chart/chart.h"
#include "make/chart/page.h"

namespace adder {
namespace {

constexpr int kNamesPerLine = 3;  // the first line has the title too
constexpr double kHeight = 280, kLeft = 56, kRight = 12, kAbove = 34, kBelow = 36;

struct Range {
  double low = INFINITY, high = -INFINITY;
  void include(double v) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  double fraction(double v) const { return high > low ? (v - low) / (high - low) : 0.5; }
};

/// 1, 2 or 5 times a power of ten, so that about five fit into the range.
double tick_step(const Range& range) {
  const double rough = (range.high - range.low) / 5;
  if (!(rough > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(rough))), digit = rough / power;
  return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

double x_of(const Range& range, double v) {
  return kLeft + range.fraction(v) * (kChartWidth - kLeft - kRight);
}
double y_of(const Range& range, double v) {
  return kHeight - kBelow - range.fraction(v) * (kHeight - kAbove - kBelow);
}

}  // namespace

std::string line_chart(const std::string& title, const std::string& x_axis, const std::vector<Curve>& curves) {
  Range xs, ys;
  for (const Curve& curve : curves) {
    for (const auto& [x, y] : curve.points) {
      xs.include(x);
      ys.include(y);
    }
  }
  const auto extra_lines = std::max<int64_t>(0, std::ssize(curves) - 1) / kNamesPerLine;  // of names, below
  std::string svg = fmt::format(
      "<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\">"
      "<text x=\"{2}\" y=\"16\" class=\"title\">{3}</text><text x=\"{4}\" y=\"{5}\" text-anchor=\"end\">{6}</text>\n",
      kChartWidth, kHeight + 16 * extra_lines, kLeft, escaped(title), kChartWidth - kRight, kHeight - 4,
      escaped(x_axis));
  if (xs.low <= xs.high) {
    for (double v = std::ceil(ys.low / tick_step(ys)) * tick_step(ys); v <= ys.high; v += tick_step(ys)) {
      svg += fmt::format(
          "<path class=\"grid\" d=\"M{} {:.1f}H{}\"/><text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:.4g}</text>\n",
          kLeft, y_of(ys, v), kChartWidth - kRight, kLeft - 6, y_of(ys, v) + 4, v);
    }
    for (double v = std::ceil(xs.low / tick_step(xs)) * tick_step(xs); v <= xs.high; v += tick_step(xs)) {
      svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.4g}</text>\n", x_of(xs, v),
                         kHeight - kBelow + 16, v);
    }
  }
  int drawn = 0;
  for (const Curve& curve : curves) {
    if (curve.points.empty()) continue;
    std::string path;
    for (const auto& [x, y] : curve.points) path += fmt::format("{:.1f},{:.1f} ", x_of(xs, x), y_of(ys, y));
    svg += fmt::format("<polyline points=\"{}\" stroke=\"{}\"/>", path, curve.colour);
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"{}\">{} {:.4g}</text>\n",
                       kChartWidth - kRight - 150 * (drawn % kNamesPerLine),
                       drawn < kNamesPerLine ? 16 : kHeight + 16 * (drawn / kNamesPerLine), curve.colour,
                       escaped(curve.name), curve.points.back().second);
    ++drawn;
  }
  return svg + "</svg>\n";
}

}  // namespace adder
