#include <fmt/format.h>

#include <algorithm>

#include "make/chart/chart.h"
#include "make/chart/page.h"

namespace adder {
namespace {

constexpr double kNames = 250, kNumbers = 90, kTop = 28, kStep = 22, kThick = 14;

}  // namespace

std::string bar_chart(const std::string& title, const std::vector<Bar>& bars) {
  double most = 0;
  for (const Bar& bar : bars) most = std::max({most, bar.value, bar.high, bar.limit});
  const auto x = [&](double v) { return kNames + (most > 0 ? v / most : 0) * (kChartWidth - kNames - kNumbers); };

  std::string svg = fmt::format(
      "<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\">"
      "<text x=\"0\" y=\"16\" class=\"title\">{2}</text>\n",
      kChartWidth, kTop + kStep * static_cast<double>(bars.size()) + 6, escaped(title));
  double y = kTop;
  for (const Bar& bar : bars) {
    const double middle = y + kThick / 2;
    svg +=
        fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", kNames - 8, middle + 4, escaped(bar.name));
    svg += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" fill=\"#06c\"/>", kNames, y,
                       x(bar.value) - kNames, kThick);
    if (bar.low < bar.high)
      svg += fmt::format("<path class=\"range\" stroke=\"#c30\" d=\"M{:.1f} {}H{:.1f}\"/>", x(bar.low), middle,
                         x(bar.high));
    if (bar.limit > 0)
      svg += fmt::format("<path class=\"limit\" stroke=\"#083\" stroke-width=\"2\" d=\"M{:.1f} {}V{}\"/>", x(bar.limit),
                         y - 2, y + kThick + 2);
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\">{:.4g}</text>\n", x(std::max({bar.value, bar.high, bar.limit})) + 6,
                       middle + 4, bar.value);
    y += kStep;
  }
  return svg + "</svg>\n";
}

}  // namespace adder
