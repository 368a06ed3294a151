#include "make/plan/allocate.h"

#include <gmock/gmock.h>

#include "core/base/rng.h"
#include "core/base/testing/expect_error.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;
using Items = std::vector<std::vector<Option>>;

struct Total {
  uint64_t bytes = 0;
  double cost = 0;
};
Total total(const Items& items, const std::vector<size_t>& chosen) {
  Total sum;
  for (size_t i = 0; i < items.size(); ++i) {
    sum.bytes += items[i][chosen[i]].bytes;
    sum.cost += items[i][chosen[i]].cost;
  }
  return sum;
}

TEST(Allocate, SpendsWhereItSavesMost) {
  const Items items = {{{10, 8.0}, {20, 1.0}}, {{10, 3.0}, {20, 2.0}}, {{10, 0.5}, {12, 0.0}}};
  EXPECT_THAT(allocate(items, 30).value(), ElementsAre(0, 0, 0));
  EXPECT_THAT(allocate(items, 39).value(), ElementsAre(0, 0, 1));
  EXPECT_THAT(allocate(items, 40).value(), ElementsAre(1, 0, 0));
  EXPECT_THAT(allocate(items, 42).value(), ElementsAre(1, 0, 1));
  EXPECT_THAT(allocate(items, 1000).value(), ElementsAre(1, 1, 1));
  expect_error(allocate(items, 29), ErrorCode::kTooLarge, "30 B", "29 B");
}

TEST(Allocate, TakesTheSmallerAmongEquals) {
  const Items items = {{{30, 1.0}, {10, 1.0}}};
  EXPECT_LE(total(items, allocate(items, 100).value()).bytes, 30u);
  EXPECT_THAT(allocate(items, 12).value(), ElementsAre(1));
}

/// Against every combination there is, on sizes far beyond the number of steps.
TEST(Allocate, IsTheBestOfAllChoices) {
  Rng rng(5);
  for (int round = 0; round < 40; ++round) {
    Items items(6);
    for (auto& options : items)
      for (int i = 0; i < 4; ++i) options.push_back({1000000 + rng.below(9000000), static_cast<double>(rng.uniform())});
    const uint64_t limit = 25000000 + rng.below(20000000);
    const auto chosen = allocate(items, limit);
    double best = 1e9;
    for (size_t n = 0; n < 4096; ++n) {
      std::vector<size_t> all;
      for (size_t i = 0, rest = n; i < 6; ++i, rest /= 4) all.push_back(rest % 4);
      if (const Total sum = total(items, all); sum.bytes <= limit) best = std::min(best, sum.cost);
    }
    if (!chosen) {
      EXPECT_EQ(best, 1e9);
      continue;
    }
    EXPECT_LE(total(items, *chosen).bytes, limit);
    // A step is a few hundred bytes of millions: the true best may miss by so little, rarely.
    EXPECT_LE(total(items, *chosen).cost, best * 1.02 + 1e-12) << round;
  }
}

}  // namespace
}  // namespace adder
