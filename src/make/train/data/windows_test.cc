#include "make/train/data/windows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace adder {
namespace {

using testing::ElementsAre;

constexpr TokenId kBos = 1;

/// Documents <s> 100 101 ... and <s> 200 201 ...
std::vector<TokenId> two_documents(int first, int second) {
  std::vector<TokenId> stream = {kBos};
  for (int i = 0; i < first; ++i) stream.push_back(100 + i);
  stream.push_back(kBos);
  for (int i = 0; i < second; ++i) stream.push_back(200 + i);
  return stream;
}

TEST(Windows, AWindowPredictsItsNextTokensButNotAnotherDocument) {
  WindowBatch batch{.length = 4};
  append_consecutive_window(two_documents(5, 4), kBos, 1, batch);  // tokens 4..7: 103 104 <s> 200
  EXPECT_THAT(batch.tokens, ElementsAre(103, 104, kBos, 200));
  EXPECT_THAT(batch.targets, ElementsAre(104, kNoTarget, 200, 201));
  EXPECT_THAT(batch.starts, ElementsAre(0, 0, 1, 0));
  EXPECT_EQ(batch.n_targets, 3);
  EXPECT_TRUE(batch.any_start);
}

TEST(Windows, ConsecutiveWindowsPredictEveryTokenOnce) {
  const std::vector<TokenId> stream = two_documents(9, 12);
  WindowBatch batch{.length = 4};
  for (int64_t i = 0; i < consecutive_count(stream, 4); ++i) append_consecutive_window(stream, kBos, i, batch);
  std::multiset<int64_t> predicted(batch.targets.begin(), batch.targets.end());
  predicted.erase(kNoTarget);
  const std::multiset<int64_t> expected = [&] {
    std::multiset<int64_t> all(stream.begin(), stream.end());
    all.erase(kBos);
    return all;
  }();
  EXPECT_EQ(predicted, expected);
}

TEST(Windows, AStartAtTheFirstPositionNeedsNoReset) {
  WindowBatch batch{.length = 4};
  append_consecutive_window(two_documents(5, 4), kBos, 0, batch);
  EXPECT_EQ(batch.starts[0], 1);
  EXPECT_FALSE(batch.any_start);
}

TEST(Windows, SamplesDependOnSeedAndNumberAlone) {
  const std::vector<TokenId> stream = two_documents(500, 500);
  Windows one(stream, kBos, 8, 7), other(stream, kBos, 8, 7), reseeded(stream, kBos, 8, 8);
  const int64_t late = one.per_epoch() + 3;  // in the second epoch
  other.batch(0, 5);
  EXPECT_EQ(one.batch(late, 4).tokens, other.batch(late, 4).tokens);
  EXPECT_EQ(one.batch(2, 4).tokens, other.batch(2, 4).tokens) << "and back to the first";
  EXPECT_NE(one.batch(2, 4).tokens, reseeded.batch(2, 4).tokens);
}

TEST(Windows, AnEpochVisitsEveryWindowOnceInANewOrderAndCut) {
  const std::vector<TokenId> stream = two_documents(500, 500);
  Windows windows(stream, kBos, 8, 7);
  const auto first_tokens = [&](int64_t epoch) {
    std::vector<int64_t> firsts;
    const WindowBatch batch = windows.batch(epoch * windows.per_epoch(), windows.per_epoch());
    for (int64_t row = 0; row < batch.rows; ++row) firsts.push_back(batch.tokens[static_cast<size_t>(row * 8)]);
    return firsts;
  };
  const std::vector<int64_t> zero = first_tokens(0), one = first_tokens(1);
  EXPECT_EQ(std::set<int64_t>(zero.begin(), zero.end()).size(), zero.size());
  EXPECT_NE(zero, one);
  EXPECT_NE(std::set<int64_t>(zero.begin(), zero.end()), std::set<int64_t>(one.begin(), one.end())) << "same cut";
}

}  // namespace
}  // namespace adder
