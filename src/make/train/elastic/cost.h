#pragma once

#include "make/train/base/torch.h"

#include <functional>
#include <string>

#include "make/train/elastic/latency.h"
#include "make/train/elastic/prefixes.h"

namespace adder {

/// What a child costs, a scalar with the gradients of its expected sizes. All are exact for a model that is there, and
/// smooth in the choice weights between: expectations are multiplied, as if the axes were independent.
using Cost = std::function<torch::Tensor(const ExpectedSizes&)>;

/// Parameters, as core/arch/budget.h counts them:
///     sum_j gamma_j P_j(hidden, width_j) + hidden (V tables + 1)           tables: 1 if embeddings are tied, else 2
///     P_Mamba = H + H (2 m P + 2 G N + m) + (m P + 2 G N) (K + 1) + 3 m + m P + m P H      m heads of P channels
///     P_attention = H + H (q + 2 kv) D + q D H
///     P_MLP = H + 2 H F
Cost parameter_cost(const ModelConfig& parent);

/// Bytes that generating one token moves: the weights (of an untied embedding one row), the keys and values of
/// `context` positions, and the recurrent state, read and written.
struct ByteSizes {
  double weight = 0, kv = 0, state = 0;  ///< bytes of one number
  int64_t context = 0;
};
Cost byte_cost(const ModelConfig& parent, const ByteSizes& sizes);

/// Time for one generated token by a table of measurements.
Cost latency_cost(const ModelConfig& parent, LatencyTable table);

}  // namespace adder
