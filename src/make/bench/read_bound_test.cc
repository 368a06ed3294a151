#include "make/bench/read_bound.h"

#include <gtest/gtest.h>

namespace adder {
namespace {

TEST(ReadBound, IsThatOfSomeMemory) {
  ThreadPool pool(2);
  ReadBound bound(pool, (int64_t{64} << 20) + 12345);
  EXPECT_EQ(bound.bytes(), int64_t{64} << 20);
  EXPECT_EQ(bound.best(), 0);
  EXPECT_EQ(bound.typical(), 0);
  bound.measure();
  const double first = bound.best();
  EXPECT_GT(first, 20e6);  // slower than any machine adder could start on, sanitizers and emulators included
  EXPECT_LT(first, 5e12);  // faster than memory: the loop would have been optimised away
  bound.measure();
  EXPECT_GE(bound.best(), first);
  bound.measure();
  EXPECT_GT(bound.typical(), 0);
  EXPECT_LE(bound.typical(), bound.best());
}

TEST(ReadBound, WithoutMemoryMeasuresNothing) {
  ThreadPool pool(1);
  ReadBound bound(pool, 1000);  // less than a page
  bound.measure();
  EXPECT_EQ(bound.bytes(), 0);
  EXPECT_EQ(bound.best(), 0);
}

TEST(ReadBound, TakesWhatTheSystemGives) {
  ThreadPool pool(1);
  EXPECT_LE(ReadBound::affordable_bytes(), ReadBound::kWantedBytes);
  EXPECT_GT(ReadBound::affordable_bytes(), 0);
}

}  // namespace
}  // namespace adder
