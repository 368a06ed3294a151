#include "make/bench/speed.h"

#include <gtest/gtest.h>

#include "make/bench/machine.h"

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

TEST(Machine, ReadBandwidthIsThatOfSomeMemory) {
  ThreadPool pool(1);
  const double bandwidth = read_bandwidth(pool);
  EXPECT_GT(bandwidth, 50e6);  // slower than any machine adder could start on, sanitizers and emulators included
  EXPECT_LT(bandwidth, 5e12);  // faster than memory: the loop would have been optimised away
}

}  // namespace
}  // namespace adder
