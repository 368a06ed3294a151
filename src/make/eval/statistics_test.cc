#include "make/eval/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace adder {
namespace {

TEST(Moments, OfAHandfulOfNumbers) {
  Moments m;
  for (const double x : {2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0}) m.add(x);  // squares about the mean add up to 32
  EXPECT_EQ(8, m.count());
  EXPECT_DOUBLE_EQ(5, m.mean());
  EXPECT_DOUBLE_EQ(40, m.sum());
  EXPECT_DOUBLE_EQ(32.0 / 7, m.variance());
  EXPECT_DOUBLE_EQ(std::sqrt(32.0 / 7 / 8), m.standard_error());
}

TEST(Moments, OfFewerThanTwoValuesHaveNoSpread) {
  Moments m;
  EXPECT_EQ(0, m.variance());
  EXPECT_EQ(0, m.standard_error());
  m.add(3);
  EXPECT_EQ(3, m.mean());
  EXPECT_EQ(0, m.standard_error());
}

TEST(Moments, AreExactFarFromZero) {
  Moments m;
  for (const double x : {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}) m.add(x);
  EXPECT_DOUBLE_EQ(30, m.variance());
}

TEST(PairMoments, CorrelateAndSubtract) {
  PairMoments m;
  m.add(1, 2);
  m.add(2, 4);
  m.add(3, 9);
  // centred: x -1 0 1, y -3 -1 4; products 7, squares 2 and 26
  EXPECT_DOUBLE_EQ(7 / std::sqrt(52.0), m.correlation());
  EXPECT_DOUBLE_EQ(3, m.difference().mean());
  EXPECT_DOUBLE_EQ(7, m.difference().variance());  // differences 1 2 6
  EXPECT_EQ(0, PairMoments().correlation());
}

TEST(Student, IsThatOfTheTables) {
  EXPECT_NEAR(12.7062, student_95(1), 5e-5);
  EXPECT_NEAR(2.7764, student_95(4), 5e-5);
  EXPECT_NEAR(2.5706, student_95(5), 5e-4);
  EXPECT_NEAR(2.2281, student_95(10), 5e-5);
  EXPECT_NEAR(2.0423, student_95(30), 5e-5);
  EXPECT_NEAR(1.9840, student_95(100), 5e-5);
  EXPECT_NEAR(1.9600, student_95(1'000'000'000), 5e-5);
}

TEST(Percentile, IsLinearBetweenNeighbours) {
  const double sorted[] = {1, 2, 4, 8};
  EXPECT_EQ(1, percentile(sorted, 0));
  EXPECT_EQ(8, percentile(sorted, 1));
  EXPECT_EQ(3, percentile(sorted, 0.5));
  EXPECT_DOUBLE_EQ(4 + 4 * 0.7, percentile(sorted, 0.9));
  EXPECT_EQ(5, percentile(std::vector<double>{5}, 0.3));
}

}  // namespace
}  // namespace adder
