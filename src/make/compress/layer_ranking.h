#pragma once

#include <functional>
#include <span>

#include "make/compress/scores.h"
#include "make/eval/windows.h"

namespace adder {

struct RankingOptions {
  int64_t count = 0;       ///< layers to find, those already in the list included
  bool attention = false;  ///< attention layers may go too
  std::function<Status(double done)> progress = {};
  /// Called with every window done; what it is given is where another run can go on.
  std::function<Status(const LayerRanking&)> save = {};
};

/// Layers that may be asked for: all candidates but the last layer of the model that would stay.
int64_t rankable_layers(const ModelConfig& config, bool attention);

/// Finds the layers that the model misses least (LayerRanking), going on from `ranking`. Runs the text once for every
/// layer that is still a candidate, and once whole, for each layer found. Of the whole model's logits, those of one
/// window are held: 4 bytes for each position and word.
///
/// Errors: a count beyond `rankable_layers`, a ranking begun with other candidates (kUsage); logits that are no finite
/// numbers (kCorrupt); those of `Forward::run`, `progress` and `save`.
Result<LayerRanking> rank_layers(Engine& engine, std::span<const Window> windows, LayerRanking ranking,
                                 const RankingOptions& options);

}  // namespace adder
