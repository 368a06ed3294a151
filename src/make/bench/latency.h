#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/arch/config.h"
#include "make/quantize/mix.h"

namespace adder {

/// Sizes to measure, each list ascending.
struct LatencyGrid {
  std::vector<int64_t> hidden, ffn, mamba_heads, attention_heads;
};

/// Three quarters and half of what the model has, and all of it; widths are multiples of 32, heads fit the groups.
LatencyGrid default_grid(const ModelConfig& config);

/// At least two sizes on each axis of a kind of layer that the model has, heads that fit the groups, all ascending and
/// at least 1 (kUsage).
Status check_grid(const ModelConfig& config, const LatencyGrid& grid);

struct LatencyOptions {
  Mix mix = Mix::kQ4_K_M;
  int threads = 0;                                                         ///< 0: all
  int64_t tokens = 24;                                                     ///< generated, one after the other
  int repetitions = 3;                                                     ///< of which the fastest counts
  std::filesystem::path scratch = std::filesystem::temp_directory_path();  ///< for files, each removed after its use
  std::function<Status(double done)> progress = {};                        ///< an error ends the work
};

/// How long each part of a model takes for one generated token at each size, in microseconds, as
/// make/train/elastic/latency.h reads it. A layer's time is a difference: a model of 2 n such layers and a vocabulary
/// of next to nothing, less one of n, by n. n is the number the model has of that kind, less where that would be more
/// than 512 MB; so what stays in caches is about what stays there in the model. The head's time is that of a model with
/// the vocabulary less one without, one small layer each.
///
/// A kind of layer that the model has not, and an axis of one size, have times all the same: the table has every part.
Result<nlohmann::ordered_json> measure_latency(const ModelConfig& config, const LatencyGrid& grid,
                                               const LatencyOptions& options);

}  // namespace adder
