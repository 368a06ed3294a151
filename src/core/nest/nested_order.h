#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/nest/child.h"

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
  std::string scores;          ///< where it comes from: a hash of scores, "random 7"

  bool operator==(const NestedOrder&) const = default;
};

/// Everything where it is: for a model that is in nested order already.
NestedOrder unchanged_order(const ModelConfig& config);

/// One LayerOrder from what gives the order of n parts of an axis, in so many groups.
using OrderOfParts = std::function<std::vector<int64_t>(Axis axis, int64_t n, int64_t groups)>;
LayerOrder order_layer(const ModelConfig& config, const LayerConfig& layer, const OrderOfParts& order);

}  // namespace adder
