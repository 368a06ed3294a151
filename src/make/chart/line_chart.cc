#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "make/chart/chart.h"
#include "make/chart/page.h"

namespace adder {
namespace {

constexpr int kNamesPerLine = 3;  // the first line has the title too
constexpr double kHeight = 280, kLeft = 56, kRight = 12, kAbove = 34, kBelow = 36;

/// From the least to the greatest value of an axis.
struct Range {
  bool logarithmic = false;
  double low = INFINITY, high = -INFINITY;

  bool takes(double v) const { return !logarithmic || v > 0; }
  void include(double v) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  double fraction(double v) const {
    if (!(high > low)) return 0.5;
    return logarithmic ? std::log(v / low) / std::log(high / low) : (v - low) / (high - low);
  }
};

/// 1, 2 or 5 times a power of ten, so that about five fit into the range.
double tick_step(const Range& range) {
  const double rough = (range.high - range.low) / 5;
  if (!(rough > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(rough))), digit = rough / power;
  return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

std::vector<double> ticks(const Range& range) {
  std::vector<double> at;
  if (range.logarithmic) {
    for (double power = std::pow(10, std::floor(std::log10(range.low))); power <= range.high; power *= 10) {
      for (const int digit : {1, 2, 5}) {
        if (const double v = power * digit; v >= range.low && v <= range.high) at.push_back(v);
      }
    }
  } else {
    const double step = tick_step(range);
    for (double v = std::ceil(range.low / step) * step; v <= range.high; v += step) at.push_back(v);
  }
  return at;
}

std::string tick_text(double v) {
  if (std::abs(v) >= 1e6) return fmt::format("{:.4g}M", v / 1e6);
  if (std::abs(v) >= 1e4) return fmt::format("{:.4g}k", v / 1e3);
  return fmt::format("{:.4g}", v);
}

double x_of(const Range& range, double v) {
  return kLeft + range.fraction(v) * (kChartWidth - kLeft - kRight);
}
double y_of(const Range& range, double v) {
  return kHeight - kBelow - range.fraction(v) * (kHeight - kAbove - kBelow);
}

}  // namespace

std::string line_chart(const std::string& title, const std::string& x_axis, const std::vector<Curve>& curves,
                       LogAxes log) {
  Range xs{log.x}, ys{log.y};
  const auto is_drawn = [&](const std::pair<double, double>& point) {
    return xs.takes(point.first) && ys.takes(point.second);
  };
  for (const Curve& curve : curves) {
    for (const auto& point : curve.points) {
      if (!is_drawn(point)) continue;
      xs.include(point.first);
      ys.include(point.second);
    }
  }
  const auto extra_lines = std::max<int64_t>(0, std::ssize(curves) - 1) / kNamesPerLine;  // of names, below
  std::string svg = fmt::format(
      "<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\">"
      "<text x=\"{2}\" y=\"16\" class=\"title\">{3}</text><text x=\"{4}\" y=\"{5}\" text-anchor=\"end\">{6}</text>\n",
      kChartWidth, kHeight + 16 * extra_lines, kLeft, escaped(title), kChartWidth - kRight, kHeight - 4,
      escaped(x_axis));
  if (xs.low <= xs.high) {
    for (const double v : ticks(ys)) {
      svg += fmt::format(
          "<path class=\"grid\" d=\"M{} {:.1f}H{}\"/><text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
          kLeft, y_of(ys, v), kChartWidth - kRight, kLeft - 6, y_of(ys, v) + 4, tick_text(v));
    }
    for (const double v : ticks(xs)) {
      svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", x_of(xs, v),
                         kHeight - kBelow + 16, tick_text(v));
    }
  }
  int drawn = 0;
  for (const Curve& curve : curves) {
    std::string path;
    for (const auto& point : curve.points) {
      if (is_drawn(point)) path += fmt::format("{:.1f},{:.1f} ", x_of(xs, point.first), y_of(ys, point.second));
    }
    if (path.empty()) continue;
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
