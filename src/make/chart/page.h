#pragma once

#include <string>
#include <string_view>

namespace adder {

/// Text as it may stand in HTML and SVG, attributes in double quotes included.
std::string escaped(std::string_view text);

/// One self-contained page: `body` is HTML, charts of make/chart included; nothing is loaded from elsewhere.
std::string html_page(std::string_view title, std::string_view body);

/// A chart of make/chart as a file of its own, on white, whatever it is shown on.
std::string svg_file(std::string_view chart);

}  // namespace adder
