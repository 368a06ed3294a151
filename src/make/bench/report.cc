#include "make/bench/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/byte_size.h"
#include "make/bench/read_bound.h"
#include "make/bench/text_table.h"
#include "make/chart/chart.h"
#include "make/chart/page.h"

namespace adder {
namespace {

std::string with_spread(const Spread& s, double scale = 1) {
  return fmt::format("{:.2f} ± {:.2f}", s.median * scale, (s.high - s.low) / 2 * scale);
}

TextTable table(const BenchReport& report) {
  TextTable table;
  table.head = {"threads", "batch",          "depth",    "prompt", "generate", "prompt tok/s", "GOP/s",
                "TTFT ms", "generate tok/s", "MB/token", "GB/s",   "of bound", "load ms",      "peak MB"};
  for (const BenchRow& row : report.rows) {
    const Case& c = row.measured;
    const SpeedReport& s = row.speed;
    table.rows.push_back(
        {std::to_string(c.threads), std::to_string(c.batch), std::to_string(c.depth), std::to_string(c.prompt),
         std::to_string(c.generate), with_spread(s.prompt_tokens_per_s),
         fmt::format("{:.1f}", s.prompt_operations_per_s / 1e9),
         fmt::format("{:.1f}", s.time_to_first_token_s.median * 1e3), with_spread(s.generate_tokens_per_s),
         fmt::format("{:.1f}", static_cast<double>(s.pass.total() / c.batch) / 1e6),
         fmt::format("{:.2f}", s.achieved_bandwidth / 1e9),
         s.read_bandwidth > 0 ? fmt::format("{:.0f} %", s.bandwidth_share * 100) : "unknown",
         fmt::format("{:.1f}", row.load_s * 1e3), fmt::format("{:.1f}", static_cast<double>(s.peak_rss_bytes) / 1e6)});
  }
  return table;
}

std::string heading(const BenchReport& report) {
  return fmt::format("{}, {}, keys and values in {}, {} run{} each", report.model, report.isa, name(report.kv_type),
                     report.repetitions, report.repetitions == 1 ? "" : "s");
}

/// What the bound is, for each number of threads: "bound: 24.1 GB/s read by 2 threads".
std::vector<std::string> notes(const BenchReport& report) {
  std::vector<std::string> notes;
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const int threads = report.rows[i].measured.threads;
    double low = 0, high = 0;
    int64_t buffer = 0;
    for (const BenchRow& row : report.rows) {
      if (row.measured.threads != threads || row.speed.read_bandwidth == 0) continue;
      low = low == 0 ? row.speed.read_bandwidth : std::min(low, row.speed.read_bandwidth);
      high = std::max(high, row.speed.read_bandwidth);
      buffer = row.speed.read_buffer_bytes;
    }
    if (i > 0 && report.rows[i - 1].measured.threads == threads) continue;
    if (high == 0) {
      notes.push_back("bound: not measured, there was no memory for it");
      continue;
    }
    notes.push_back(fmt::format(
        "bound: {} GB/s read by {} thread{}{}",
        low == high ? fmt::format("{:.2f}", low / 1e9) : fmt::format("{:.2f} to {:.2f}", low / 1e9, high / 1e9),
        threads, threads == 1 ? "" : "s",
        buffer < ReadBound::kWantedBytes ? fmt::format(", on {} only as memory is short", byte_size_text(buffer))
                                         : ""));
  }
  return notes;
}

std::string lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text + "\n";
  return all;
}

std::string label(const Case& c) {
  return fmt::format("{}t, {} x ({} + {} + {})", c.threads, c.batch, c.depth, c.prompt, c.generate);
}

}  // namespace

std::string html(const BenchReport& report) {
  std::vector<Bar> prompt, generate;
  for (const BenchRow& row : report.rows) {
    const Spread &p = row.speed.prompt_tokens_per_s, &g = row.speed.generate_tokens_per_s;
    const double limit = row.speed.bandwidth_share > 0 ? g.median / row.speed.bandwidth_share : 0;
    prompt.push_back({label(row.measured), p.median, p.low, p.high, 0});
    generate.push_back({label(row.measured), g.median, g.low, g.high, limit});
  }
  std::string body = fmt::format("<p>{}</p>\n", escaped(heading(report)));
  for (const std::string& note : notes(report)) body += fmt::format("<p>{}</p>\n", escaped(note));
  body += table(report).html();
  body +=
      "<p>Bars are named threads, batch x (depth + prompt + generate); the red line is the range of the runs, the "
      "green mark the bound.</p>\n";
  body += bar_chart("prompt, tokens/s", prompt) + bar_chart("generation, tokens/s of all sequences", generate);
  return html_page("adder bench", body);
}

std::string render(const BenchReport& report, BenchFormat format) {
  switch (format) {
    case BenchFormat::kTable:
      return heading(report) + "\n" + table(report).plain() + lines(notes(report));
    case BenchFormat::kMarkdown:
      return heading(report) + "\n\n" + table(report).markdown() + "\n" + lines(notes(report));
    case BenchFormat::kCsv:
      return csv(to_json(report));
    case BenchFormat::kJson: {
      const nlohmann::ordered_json rows = to_json(report);
      return (rows.size() == 1 ? rows[0] : rows).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    }
    case BenchFormat::kHtml:
      return html(report);
  }
  return "";
}

}  // namespace adder
