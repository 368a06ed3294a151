#include "make/fp8/magnitudes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/rng.h"

namespace adder {
namespace {

TEST(Magnitudes, TheLargestIsExact) {
  Magnitudes seen;
  EXPECT_EQ(seen.largest(), 0);
  seen.add(std::vector<float>{0.1f, -3.1415927f, 2});
  seen.add(std::vector<float>{3});
  EXPECT_EQ(seen.largest(), 3.1415927f);
  Magnitudes other;
  other.add(std::vector<float>{-7});
  seen.add(other);
  EXPECT_EQ(seen.largest(), 7);
  seen.add(std::vector<float>{std::nanf("")});
  seen.add(std::vector<float>{8});
  EXPECT_TRUE(std::isnan(seen.largest()));
}

TEST(Magnitudes, APercentileIsExceededByTheRest) {
  Magnitudes seen(true);
  std::vector<float> x;
  for (int i = 1; i <= 200; ++i) x.push_back(static_cast<float>(i % 2 ? i : -i));  // all of them numbers of BF16
  seen.add(x);
  EXPECT_EQ(seen.percentile(99), 198);
  EXPECT_EQ(seen.percentile(50), 100);
  EXPECT_EQ(seen.percentile(100), 200);
  EXPECT_EQ(seen.percentile(0.1), 1);

  Magnitudes fine(true);
  fine.add(std::vector<float>{1.001f, 1.002f, 5.5f, 1e9f});
  EXPECT_EQ(fine.percentile(50), 1 + 1.0f / 128) << "the end of the size that 1.001 and 1.002 have";
  EXPECT_EQ(fine.percentile(100), 1e9f);
}

/// The loss of a limit, by the plain formula.
double loss(const std::vector<float>& x, double limit) {
  double sum = 0;
  for (const float value : x) {
    const double scaled = std::min(std::abs(value) / limit * 448, 448.0);
    const double step = std::ldexp(1.0, std::max(std::ilogb(scaled), -6) - 3);
    const double error = std::nearbyint(scaled / step) * step * limit / 448 - std::abs(value);
    sum += error * error;
  }
  return sum;
}

TEST(Magnitudes, LeastSquaresFindsTheBestOfItsLimits) {
  Rng rng(5);
  std::vector<float> x(20000);
  for (float& value : x) value = std::ldexp(std::round(rng.normal() * 64), -6);  // numbers of BF16
  x[77] = 40;                                                                    // far out
  Magnitudes seen(true);
  seen.add(std::span(x).first(10000));
  seen.add(std::span(x).subspan(10000));
  const double best = loss(x, static_cast<double>(seen.least_squares()));
  for (int i = 0; i < 39; ++i) EXPECT_LE(best, loss(x, 40 * (0.25 + 3.75 * i / 38)) * (1 + 1e-4)) << i;
}

}  // namespace
}  // namespace adder
