#include <fmt/format.h>

#include <algorithm>

#include "make/chart/chart.h"
#include "make/chart/page.h"

namespace adder {
namespace {

constexpr double kRowNames = 60, kFirstRow = 28, kRowStep = 16, kRowThick = 14;

}  // namespace

std::string heat_map(const std::string& title, const std::vector<HeatRow>& rows) {
  std::string svg = fmt::format(
      "<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\">"
      "<text x=\"0\" y=\"16\" class=\"title\">{2}</text>\n",
      kChartWidth, kFirstRow + kRowStep * static_cast<double>(rows.size()) + 6, escaped(title));
  double y = kFirstRow;
  for (const HeatRow& row : rows) {
    const double most = row.values.empty() ? 0 : *std::ranges::max_element(row.values);
    const double width = (kChartWidth - kRowNames) / static_cast<double>(std::max(size_t{1}, row.values.size()));
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", kRowNames - 8, y + kRowThick - 3,
                       escaped(row.name));
    for (size_t i = 0; i < row.values.size(); ++i)
      svg += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" fill=\"#06c\" fill-opacity=\"{:.2f}\"/>",
          kRowNames + width * static_cast<double>(i), y, width, kRowThick, most > 0 ? row.values[i] / most : 0);
    svg += '\n';
    y += kRowStep;
  }
  return svg + "</svg>\n";
}

}  // namespace adder
