#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"

namespace adder {

/// One way to store a tensor.
struct Option {
  uint64_t bytes;
  double cost;  ///< >= 0
};

/// Chooses one option of each item (an index each), so that the sum of costs is least while the sum of bytes stays
/// within `limit`: a multiple-choice knapsack, solved by dynamic programming over the bytes above the least possible in
/// 65536 steps, and what the steps leave over spent greedily. Items have at least one option. kTooLarge if even the
/// smallest options need more than the limit.
Result<std::vector<size_t>> allocate(std::span<const std::vector<Option>> items, uint64_t limit);

}  // namespace adder
