#pragma once

#include <cstdint>

#include "core/nest/nested_order.h"
#include "make/compress/scores.h"

namespace adder {

enum class DepthBy : uint8_t {
  kLogits,     ///< LayerRanking
  kInfluence,  ///< smallest LayerScores::influence first, attention layers never: judged once, not one after the other
};

/// Best scores first, equal ones as they were. `channels` of every Mamba head are going to stay, which decides what its
/// heads are worth.
NestedOrder order_by_scores(const ModelConfig& config, const Scores& scores, int64_t channels, DepthBy depth);

/// A draw of all of it, heads in their groups, attention layers never dropped: what an order is to be better than.
NestedOrder random_order(const ModelConfig& config, uint64_t seed);

}  // namespace adder
