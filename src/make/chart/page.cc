#include "make/chart/page.h"

#include <fmt/format.h>

#include "core/base/check.h"

namespace adder {
namespace {

constexpr std::string_view kChartStyle = ".title{font-size:14px}polyline{fill:none;stroke-width:1.5}.grid{stroke:#ddd}";
constexpr std::string_view kSvg = "<svg ";

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string html_page(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{0}</title>\n"
      "<style>body{{font:14px sans-serif;margin:2em;max-width:76em}}svg{{display:block;margin:1em 0;font-size:12px}}"
      "{2}table{{border-collapse:collapse;margin:1em 0}}td,th{{padding:2px 10px;text-align:right;"
      "border-bottom:1px solid #ddd}}</style>\n<h1>{0}</h1>\n{1}</html>\n",
      escaped(title), body, kChartStyle);
}

std::string svg_file(std::string_view chart) {
  CHECK(chart.starts_with(kSvg), "{}", chart.substr(0, 20));
  const size_t inside = chart.find('>') + 1;
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" {}<style>text{{font:12px sans-serif}}{}</style>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{}",
      chart.substr(kSvg.size(), inside - kSvg.size()), kChartStyle, chart.substr(inside));
}

}  // namespace adder
