#include "make/chart/page.h"

#include <fmt/format.h>

namespace adder {

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
      ".title{{font-size:14px}}polyline{{fill:none;stroke-width:1.5}}.grid{{stroke:#ddd}}"
      "table{{border-collapse:collapse;margin:1em 0}}td,th{{padding:2px 10px;text-align:right;"
      "border-bottom:1px solid #ddd}}</style>\n<h1>{0}</h1>\n{1}</html>\n",
      escaped(title), body);
}

}  // namespace adder
