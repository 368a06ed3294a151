#include "make/bench/speed.h"

#include <gtest/gtest.h>

namespace adder {
namespace {

TEST(Spread, MedianOfOddAndEvenCounts) {
  const Spread odd = spread({3, 1, 2});
  EXPECT_EQ(odd.median, 2);
  EXPECT_EQ(odd.low, 1);
  EXPECT_EQ(odd.high, 3);
  EXPECT_EQ(spread({4, 1, 2, 8}).median, 3);
  EXPECT_EQ(spread({5}).median, 5);
}

}  // namespace
}  // namespace adder
