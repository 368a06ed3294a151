#include "make/plan/allocate.h"

#include <algorithm>
#include <limits>

#include "core/base/byte_size.h"
#include "core/base/check.h"

namespace adder {
namespace {

constexpr size_t kSteps = size_t{1} << 16;

uint64_t least_bytes(const std::vector<Option>& options) {
  CHECK(!options.empty());
  return std::ranges::min(options, {}, &Option::bytes).bytes;
}

/// The cheapest choice that takes at most `above` bytes more than the smallest options, counted in whole steps.
std::vector<size_t> solve(std::span<const std::vector<Option>> items, uint64_t above) {
  const uint64_t step_bytes = above / kSteps + 1;
  // choice[i][s]: the option of item i in the cheapest choice for items 0..i that takes at most s steps.
  std::vector<double> cost(kSteps, 0.0), next(kSteps);
  std::vector<std::vector<uint8_t>> choice(items.size(), std::vector<uint8_t>(kSteps));
  const auto steps = [&](size_t item, size_t option) {
    return static_cast<size_t>((items[item][option].bytes - least_bytes(items[item]) + step_bytes - 1) / step_bytes);
  };
  for (size_t i = 0; i < items.size(); ++i) {
    CHECK(items[i].size() <= 256);
    std::ranges::fill(next, std::numeric_limits<double>::infinity());
    for (size_t option = 0; option < items[i].size(); ++option) {
      const size_t taken = steps(i, option);
      for (size_t s = taken; s < kSteps; ++s) {
        const double total = cost[s - taken] + items[i][option].cost;
        if (total >= next[s]) continue;
        next[s] = total;
        choice[i][s] = static_cast<uint8_t>(option);
      }
    }
    std::swap(cost, next);
  }
  std::vector<size_t> chosen(items.size());
  auto left = static_cast<size_t>(above / step_bytes);
  for (size_t i = items.size(); i-- > 0;) {
    chosen[i] = choice[i][left];
    left -= steps(i, chosen[i]);
  }
  return chosen;
}

/// While a better option fits in the bytes that are left, takes the one that saves most.
void spend(std::span<const std::vector<Option>> items, uint64_t left, std::vector<size_t>& chosen) {
  for (;;) {
    double best = 0;
    size_t item = 0, option = 0;
    for (size_t i = 0; i < items.size(); ++i) {
      const Option& now = items[i][chosen[i]];
      for (size_t j = 0; j < items[i].size(); ++j) {
        if (items[i][j].bytes > now.bytes + left || now.cost - items[i][j].cost <= best) continue;
        best = now.cost - items[i][j].cost;
        item = i;
        option = j;
      }
    }
    if (best == 0) return;
    left = left + items[item][chosen[item]].bytes - items[item][option].bytes;
    chosen[item] = option;
  }
}

}  // namespace

Result<std::vector<size_t>> allocate(std::span<const std::vector<Option>> items, uint64_t limit) {
  uint64_t least = 0;
  for (const auto& options : items) least += least_bytes(options);
  if (least > limit)
    return Error::too_large("the smallest types take {} of tensor data, the limit leaves {}",
                            byte_size_text(static_cast<int64_t>(least)), byte_size_text(static_cast<int64_t>(limit)));
  std::vector<size_t> chosen = solve(items, limit - least);
  uint64_t taken = 0;
  for (size_t i = 0; i < items.size(); ++i) taken += items[i][chosen[i]].bytes;
  spend(items, limit - taken, chosen);
  return chosen;
}

}  // namespace adder
