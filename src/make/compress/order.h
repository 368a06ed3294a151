#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/arch/config.h"
#include "make/compress/scores.h"

namespace adder {

/// Permutations of one layer's parts, best first; those of other kinds of layers are empty. Heads stay in their group:
/// `mamba_heads` lists the m_h / G heads of group 0, then those of group 1, and so on, as its B and C are the group's;
/// `attention_heads` the same for the heads that share a KV head.
struct LayerOrder {
  std::vector<int64_t> ffn, mamba_heads, mamba_channels, attention_heads;
  bool operator==(const LayerOrder&) const = default;
};

/// In which order the parts of a model are kept: a child has the first ones.
struct NestedOrder {
  std::vector<int64_t> hidden;
  std::vector<LayerOrder> layers;
  std::vector<int> drop_list;  ///< layers, those to go first in front; may be shorter than the model
  std::string scores;          ///< where it comes from: Scores::fingerprint, "random 7"

  bool operator==(const NestedOrder&) const = default;
};

/// Everything where it is: for a model that is in nested order already.
NestedOrder unchanged_order(const ModelConfig& config);

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
