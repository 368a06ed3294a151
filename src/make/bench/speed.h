#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "run/engine/engine.h"

namespace adder {

struct SpeedOptions {
  int64_t prompt = 512;    ///< tokens of the prompt that is timed, at least 1
  int64_t generate = 128;  ///< tokens generated after it, at least 1
  int64_t depth = 0;       ///< tokens the sequence already holds before the prompt
  int repetitions = 5;     ///< timed runs, after one that warms up and is not counted
};

/// Median and extremes over the repetitions.
struct Spread {
  double median = 0, low = 0, high = 0;
};

/// What users feel, and how far it is from what memory allows.
struct SpeedReport {
  Spread prompt_tokens_per_s;
  Spread generate_tokens_per_s;
  Spread time_to_first_token_s;  ///< the whole prompt at `depth`, and choosing the first token
  int64_t peak_rss_bytes = 0;    ///< of the process, before the bandwidth measurement
  int64_t bytes_per_token = 0;   ///< read for a generated token: weights, recurrent state and keys at mid-answer
  double read_bandwidth = 0;     ///< bytes/s, measured here with the same number of threads
  double bandwidth_share = 0;    ///< bytes_per_token * tokens/s / read_bandwidth; above 1 where caches hold the model
};

/// Times the engine on token ids drawn at random from its vocabulary (the same ones each time), generating greedily and
/// past any end token. The engine's context must hold depth + prompt + generate tokens (kTooLarge). `on_progress` gets
/// 0 to 1 and returns false to stop (kCancelled).
Result<SpeedReport> measure_speed(Engine& engine, const SpeedOptions& options,
                                  const std::function<bool(double)>& on_progress = {});

Spread spread(std::vector<double> values);  ///< values is not empty

}  // namespace adder
