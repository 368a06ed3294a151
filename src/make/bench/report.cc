#include "make/bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "core/base/byte_size.h"
#include "make/bench/read_bound.h"
#include "make/chart/chart.h"
#include "make/chart/page.h"
#include "make/chart/text_table.h"

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
  return fmt::format("{}, {}, keys and values in {}, states in {}, {} run{} each", report.model, report.isa,
                     name(report.kv_type), name(report.state_type), report.repetitions,
                     report.repetitions == 1 ? "" : "s");
}

/// What the bound is, for each number of threads: "bound: 24.1 GB/s read by 2 threads, 20.3 half of the time".
std::vector<std::string> notes(const BenchReport& report) {
  std::vector<std::string> notes;
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const int threads = report.rows[i].measured.threads;
    double low = 0, high = 0;
    std::vector<double> typical;
    int64_t buffer = 0;
    for (const BenchRow& row : report.rows) {
      if (row.measured.threads != threads || row.speed.read_bandwidth == 0) continue;
      low = low == 0 ? row.speed.read_bandwidth : std::min(low, row.speed.read_bandwidth);
      high = std::max(high, row.speed.read_bandwidth);
      typical.push_back(row.speed.typical_read_bandwidth);
      buffer = row.speed.read_buffer_bytes;
    }
    if (i > 0 && report.rows[i - 1].measured.threads == threads) continue;
    if (high == 0) {
      notes.push_back("bound: not measured, there was no memory for it");
      continue;
    }
    notes.push_back(fmt::format(
        "bound: {} GB/s read by {} thread{}, {:.2f} half of the time{}",
        low == high ? fmt::format("{:.2f}", low / 1e9) : fmt::format("{:.2f} to {:.2f}", low / 1e9, high / 1e9),
        threads, threads == 1 ? "" : "s", spread(typical).median / 1e9,
        buffer < ReadBound::kWantedBytes ? fmt::format(", on {} only as memory is short", byte_size_text(buffer))
                                         : ""));
  }
  return notes;
}

std::string label(const Case& c) {
  return fmt::format("{}t, {} x ({} + {} + {})", c.threads, c.batch, c.depth, c.prompt, c.generate);
}

/// Joules a token, or that the machine does not tell.
std::string energy(const BenchReport& report) {
  std::string text;
  for (const BenchRow& row : report.rows) {
    const SpeedReport& s = row.speed;
    if (!s.prompt_joules_per_token || !s.generate_joules_per_token) return "energy: unavailable";
    text += fmt::format("{}{}: {:.3g} J a prompt token, {:.3g} J a generated one", text.empty() ? "energy: " : "; ",
                        label(row.measured), *s.prompt_joules_per_token, *s.generate_joules_per_token);
  }
  return text;
}

TextTable profile_table(const PhaseProfile& phase) {
  TextTable table{{"op", "share", "calls", "ms/token", "GB/s", "GFLOP/s"}, {}, true};
  // A thread's time counts as that thread's part of a token; rates are those of all threads at once.
  const auto add = [&](const std::string& op, double seconds, const std::string& calls, double bytes,
                       double operations) {
    const auto rate = [&](double amount) {
      return amount > 0 && seconds > 0 ? fmt::format("{:.1f}", amount / seconds * phase.threads * 1e-9) : "";
    };
    table.rows.push_back({op, fmt::format("{:.1f} %", 100 * seconds / phase.thread_seconds()), calls,
                          fmt::format("{:.4f}", 1e3 * seconds / phase.threads / static_cast<double>(phase.tokens)),
                          rate(bytes), rate(operations)});
  };
  for (const OpTime& op : phase.ops) add(op.op, op.seconds, std::to_string(op.calls), op.bytes, op.operations);
  add("between ops", phase.between_seconds(), "", 0, 0);
  add("all", phase.thread_seconds(), "", 0, 0);
  return table;
}

/// What stands beside the rows, in the words of one format.
struct Voice {
  std::function<std::string(const std::string&)> line;
  std::function<std::string(const TextTable&)> table;
};

std::string below(const BenchReport& report, const Voice& voice) {
  std::string text;
  for (const std::string& note : notes(report)) text += voice.line(note);
  text += voice.line(energy(report));
  for (const BenchRow& row : report.rows) {
    if (!row.profile) continue;
    text +=
        voice.line("profile of the prompt, " + label(row.measured)) + voice.table(profile_table(row.profile->prompt));
    text +=
        voice.line("profile of generation, " + label(row.measured)) + voice.table(profile_table(row.profile->generate));
  }
  return text;
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
  body += table(report).html();
  body +=
      "<p>Bars are named threads, batch x (depth + prompt + generate); the red line is the range of the runs, the "
      "green mark the bound.</p>\n";
  body += bar_chart("prompt, tokens/s", prompt) + bar_chart("generation, tokens/s of all sequences", generate);
  body += below(report, {[](const std::string& text) { return fmt::format("<p>{}</p>\n", escaped(text)); },
                         [](const TextTable& t) { return t.html(); }});
  return html_page("adder bench", body);
}

std::string render(const BenchReport& report, BenchFormat format) {
  switch (format) {
    case BenchFormat::kTable:
      return heading(report) + "\n" + table(report).plain() +
             below(report, {[](const std::string& text) { return text + "\n"; },
                            [](const TextTable& t) { return t.plain() + "\n"; }});
    case BenchFormat::kMarkdown:
      return heading(report) + "\n\n" + table(report).markdown() +
             below(report, {[](const std::string& text) { return fmt::format("\n{}\n", text); },
                            [](const TextTable& t) { return fmt::format("\n{}", t.markdown()); }});
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
