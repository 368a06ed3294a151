#include "core/base/result.h"

#include <gtest/gtest.h>

#include <memory>

#include "core/base/check.h"

namespace adder {
namespace {

Result<int> half_of(int n) {
  if (n % 2 != 0) return Error::usage("{} is odd", n);
  return n / 2;
}

Result<int> quarter_of(int n, int& calls) {
  TRY_ASSIGN(const int half, (++calls, half_of(n)));
  TRY_ASSIGN(const int quarter, half_of(half));
  return quarter;
}

Status check(int n, bool& reached_end) {
  TRY(half_of(n));
  TRY(half_of(n));
  reached_end = true;
  return {};
}

Result<std::unique_ptr<int>> boxed(int n) {
  TRY_ASSIGN(int half, half_of(n));
  auto box = std::make_unique<int>(half);
  return box;
}

TEST(Result, TryAssignPassesValuesAndErrorsOn) {
  int calls = 0;
  EXPECT_EQ(quarter_of(12, calls).value(), 3);
  EXPECT_EQ(calls, 1) << "the expression is evaluated once";
  EXPECT_EQ(quarter_of(7, calls).error().message(), "7 is odd");
  EXPECT_EQ(quarter_of(6, calls).error().message(), "3 is odd");
  EXPECT_EQ(quarter_of(6, calls).error().code(), ErrorCode::kUsage);
}

TEST(Result, TryStopsAtTheFirstError) {
  bool reached_end = false;
  EXPECT_FALSE(check(3, reached_end));
  EXPECT_FALSE(reached_end);
  EXPECT_TRUE(check(4, reached_end));
  EXPECT_TRUE(reached_end);
}

TEST(Result, HoldsWhatCanOnlyBeMoved) {
  auto box = boxed(10);
  ASSERT_TRUE(box);
  EXPECT_EQ(*std::move(box).value(), 5);
  EXPECT_FALSE(boxed(1));
}

TEST(Error, KeepsItsCodeWhenSeenFromFurtherOut) {
  const Error error = Error::corrupt("field {}", 3).in("b.gguf").in("models");
  EXPECT_EQ(error.message(), "models: b.gguf: field 3");
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
}

TEST(Check, AbortsWithTheValues) {
  const int n = 3;
  CHECK(n == 3, "not reached");
  EXPECT_DEATH(CHECK(n == 4, "n {}", n), "result_test.cc:.*CHECK\\(n == 4\\) failed: n 3");
  EXPECT_DEATH(CHECK(n == 4), "CHECK\\(n == 4\\) failed\n");
}

}  // namespace
}  // namespace adder
