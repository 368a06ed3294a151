#include <fmt/format.h>

#include "make/bench/versus.h"
#include "make/chart/page.h"
#include "make/chart/text_table.h"

namespace adder {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Spread& s) {
  return {{"median", s.median}, {"low", s.low}, {"high", s.high}};
}

Json to_json(const VersusRow::Sides& s) {
  return {{"a", to_json(s.a)}, {"b", to_json(s.b)}, {"ratio", to_json(s.ratio)}};
}

Json to_json(const VersusReport& report) {
  Json rows = Json::array();
  for (const VersusRow& row : report.rows) {
    const Case& c = row.measured;
    rows.push_back({{"model", report.model},
                    {"a", report.a},
                    {"b", report.b},
                    {"rounds", report.rounds},
                    {"threads", c.threads},
                    {"batch", c.batch},
                    {"depth", c.depth},
                    {"prompt", c.prompt},
                    {"generate", c.generate},
                    {"prompt_tokens_per_s", to_json(row.prompt)},
                    {"generate_tokens_per_s", to_json(row.generate)}});
  }
  return rows;
}

TextTable table(const VersusReport& report) {
  TextTable table{{"threads", "batch", "depth", "prompt", "generate", "phase", "A tok/s", "B tok/s", "A / B", "range"},
                  {}};
  for (const VersusRow& row : report.rows) {
    const Case& c = row.measured;
    const auto add = [&](const char* phase, const VersusRow::Sides& s) {
      table.rows.push_back(
          {std::to_string(c.threads), std::to_string(c.batch), std::to_string(c.depth), std::to_string(c.prompt),
           std::to_string(c.generate), phase, fmt::format("{:.2f}", s.a.median), fmt::format("{:.2f}", s.b.median),
           fmt::format("{:.3f}", s.ratio.median), fmt::format("{:.3f} to {:.3f}", s.ratio.low, s.ratio.high)});
    };
    add("prompt", row.prompt);
    add("generation", row.generate);
  }
  return table;
}

}  // namespace

std::string render(const VersusReport& report, BenchFormat format) {
  const std::string heading = fmt::format("A: {}, B: {}; {}, {} round{} A B", report.a, report.b, report.model,
                                          report.rounds, report.rounds == 1 ? "" : "s");
  switch (format) {
    case BenchFormat::kTable:
      return heading + "\n" + table(report).plain();
    case BenchFormat::kMarkdown:
      return heading + "\n\n" + table(report).markdown();
    case BenchFormat::kCsv:
      return csv(to_json(report));
    case BenchFormat::kJson: {
      const Json rows = to_json(report);
      return (rows.size() == 1 ? rows[0] : rows).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    }
    case BenchFormat::kHtml:
      return html_page("adder bench --compare", fmt::format("<p>{}</p>\n{}", escaped(heading), table(report).html()));
  }
  return "";
}

}  // namespace adder
