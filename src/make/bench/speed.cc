#include "make/bench/speed.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>

#include "core/base/memory.h"
#include "make/bench/read_bound.h"

namespace adder {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// So that the next row's peak is its own; where the system does not offer that, it is that of all rows so far.
void forget_peak_resident_bytes() {
  std::ofstream("/proc/self/clear_refs") << 5;
}

}  // namespace

Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return {(values[(n - 1) / 2] + values[n / 2]) / 2, values.front(), values.back()};
}

SpeedMeter::SpeedMeter(Engine& engine, OnTokens on_tokens)
    : engine_(engine),
      pool_(engine.options().threads),
      workload_(engine.forward(), engine.model().config(), engine.options(), std::move(on_tokens)) {}

Result<SpeedReport> SpeedMeter::measure(const Case& c, int repetitions) {
  CHECK(c.threads == engine_.options().threads && c.positions() <= engine_.options().context && repetitions > 0);
  TRY(workload_.read_past(c));

  SpeedReport report;
  std::optional<ReadBound> bound;
  std::vector<double> prompt_speeds, generate_speeds, first_token_seconds, prompt_joules, generate_joules;
  const auto batch = static_cast<double>(c.batch);
  for (int repetition = 0; repetition <= repetitions; ++repetition) {
    TRY(workload_.begin(c));
    energy_.lap();
    const auto began = Clock::now();
    TRY(workload_.read_prompts(c));
    const double prompt_seconds = seconds_since(began) / batch;
    const std::optional<double> prompt_energy = energy_.lap();

    const auto first_token_at = Clock::now();
    TRY(workload_.generate(c));
    const double generate_seconds = seconds_since(first_token_at);
    const std::optional<double> generate_energy = energy_.lap();

    if (repetition == 0) {  // warms caches, page tables and clocks
      report.peak_rss_bytes = peak_resident_bytes();
      bound.emplace(pool_, ReadBound::affordable_bytes());
    } else {
      prompt_speeds.push_back(static_cast<double>(c.prompt) / prompt_seconds);
      generate_speeds.push_back(batch * static_cast<double>(c.generate) / generate_seconds);
      first_token_seconds.push_back(prompt_seconds);
      if (prompt_energy) prompt_joules.push_back(*prompt_energy / (batch * static_cast<double>(c.prompt)));
      if (generate_energy) generate_joules.push_back(*generate_energy / (batch * static_cast<double>(c.generate)));
    }
    bound->measure();
  }

  report.prompt_tokens_per_s = spread(prompt_speeds);
  report.generate_tokens_per_s = spread(generate_speeds);
  report.time_to_first_token_s = spread(first_token_seconds);
  report.prompt_operations_per_s =
      prompt_operations(engine_.model().config(), c.depth, c.prompt) / report.time_to_first_token_s.median;
  report.pass = pass_traffic(engine_.model().bound(), engine_.options().kv_type, engine_.options().state_type, c.batch,
                             c.depth + c.prompt + c.generate / 2);
  report.achieved_bandwidth = static_cast<double>(report.pass.total()) * report.generate_tokens_per_s.median / batch;
  report.read_bandwidth = bound->best();
  report.typical_read_bandwidth = bound->typical();
  report.read_buffer_bytes = bound->bytes();
  if (report.read_bandwidth > 0) report.bandwidth_share = report.achieved_bandwidth / report.read_bandwidth;
  if (!prompt_joules.empty()) report.prompt_joules_per_token = spread(prompt_joules).median;
  if (!generate_joules.empty()) report.generate_joules_per_token = spread(generate_joules).median;
  bound.reset();
  forget_peak_resident_bytes();
  return report;
}

}  // namespace adder
