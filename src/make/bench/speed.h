#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "make/bench/energy.h"
#include "make/bench/traffic.h"
#include "make/bench/workload.h"
#include "run/engine/engine.h"

namespace adder {

/// Median and extremes over the repetitions.
struct Spread {
  double median = 0, low = 0, high = 0;
};
Spread spread(std::vector<double> values);  ///< values is not empty

/// What users feel, and how far it is from what memory allows.
struct SpeedReport {
  Spread prompt_tokens_per_s;    ///< of one prompt after another
  Spread generate_tokens_per_s;  ///< of all sequences together
  Spread time_to_first_token_s;  ///< one whole prompt at `depth`, and choosing the first token
  int64_t peak_rss_bytes = 0;    ///< of the process since the row before or the start, without the bound's buffer

  double prompt_operations_per_s = 0;  ///< additions and multiplications (prompt_operations) by time
  PassTraffic pass;                    ///< touched by the pass in the middle of the answer
  double achieved_bandwidth = 0;       ///< bytes/s: those by passes a second
  double read_bandwidth = 0;           ///< bytes/s, the best between the runs with as many threads; 0: not measured
  double typical_read_bandwidth = 0;   ///< the median of those
  int64_t read_buffer_bytes = 0;       ///< that this was measured on
  double bandwidth_share = 0;          ///< achieved / read, 0 without; above 1 where caches hold the model

  std::optional<double> prompt_joules_per_token;  ///< of the whole machine (EnergyMeter), medians
  std::optional<double> generate_joules_per_token;
};

/// Measures cases on one engine, whose threads are the cases' and whose context holds them.
class SpeedMeter {
 public:
  SpeedMeter(Engine& engine, OnTokens on_tokens);

  /// `repetitions` timed runs (at least 1) after one that warms up and does not count, the bound between them.
  Result<SpeedReport> measure(const Case& c, int repetitions);

 private:
  Engine& engine_;
  ThreadPool pool_;  ///< for the bound
  EnergyMeter energy_;
  Workload workload_;
};

}  // namespace adder
