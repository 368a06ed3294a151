#include "run/generate/candidates.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/rng.h"

namespace adder {
namespace {

using testing::ElementsAre;

std::vector<int32_t> ids(const std::vector<Candidate>& candidates) {
  std::vector<int32_t> result;
  for (const Candidate& c : candidates) result.push_back(c.id);
  return result;
}

/// Logits whose softmax is exactly these probabilities.
std::vector<Candidate> of(const std::vector<double>& probabilities) {
  std::vector<Candidate> candidates;
  for (const double p : probabilities)
    candidates.push_back({static_cast<float>(std::log(p)), static_cast<int32_t>(candidates.size())});
  return candidates;
}

TEST(TopK, TakesTheLikeliestLowerIdFirst) {
  const std::vector<float> logits = {1, 5, 3, 5, 2, 3};
  EXPECT_THAT(ids(top_k(logits, 3)), ElementsAre(1, 3, 2));
  EXPECT_THAT(ids(top_k(logits, 1)), ElementsAre(1));
  EXPECT_THAT(ids(top_k(logits, 6)), ElementsAre(1, 3, 2, 5, 4, 0));
  EXPECT_THAT(ids(top_k(logits, 100)), ElementsAre(1, 3, 2, 5, 4, 0));
  EXPECT_THAT(ids(top_k(logits, 0)), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(TopK, EqualsASortOfEverything) {
  Rng rng(1);
  for (const int n : {7, 100, 5000}) {
    std::vector<float> logits(static_cast<size_t>(n));
    for (float& x : logits) x = std::floor(20 * rng.normal());  // many ties
    logits[3] = -std::numeric_limits<float>::infinity();
    std::vector<Candidate> sorted = top_k(logits, 0);
    std::sort(sorted.begin(), sorted.end(), likelier);
    for (const int k : {1, 2, 5, 40, 4999}) {
      std::vector<Candidate> expected = sorted;
      expected.resize(static_cast<size_t>(std::min(k, n)));
      EXPECT_EQ(ids(top_k(logits, k)), ids(expected)) << n << " " << k;
    }
  }
}

TEST(TopP, KeepsTheSmallestSufficientSet) {
  const std::vector<std::pair<float, std::vector<int32_t>>> cases = {
      {0.0f, {1}}, {0.49f, {1}}, {0.51f, {1, 3}}, {0.79f, {1, 3}}, {0.81f, {1, 3, 0}}, {0.97f, {1, 3, 0, 2}}};
  for (const auto& [p, expected] : cases) {
    std::vector<Candidate> candidates = of({0.15, 0.5, 0.05, 0.3});
    keep_top_p(candidates, p);
    EXPECT_EQ(ids(candidates), expected) << p;
  }
}

TEST(TopP, OfALargeFlatVocabularyKeepsItsShare) {
  std::vector<Candidate> candidates = of(std::vector<double>(10000, 1e-4));
  keep_top_p(candidates, 0.75f);
  EXPECT_NEAR(static_cast<double>(candidates.size()), 7500, 1);
  EXPECT_EQ(candidates.front().id, 0);
  EXPECT_TRUE(std::is_sorted(candidates.begin(), candidates.end(), likelier));
}

TEST(MinP, KeepsWhatIsNearTheLikeliest) {
  const std::vector<std::pair<float, std::vector<int32_t>>> cases = {
      {0.09f, {0, 1, 2, 3}}, {0.11f, {0, 1, 3}}, {0.29f, {0, 1, 3}}, {0.31f, {1, 3}}, {0.61f, {1}}, {1.0f, {1}}};
  for (const auto& [p, expected] : cases) {
    std::vector<Candidate> candidates = of({0.15, 0.5, 0.05, 0.3});  // 0.3, 1, 0.1, 0.6 of the largest
    keep_min_p(candidates, p);
    EXPECT_EQ(ids(candidates), expected) << p;
  }
}

TEST(Weights, AreRelativeToTheLikeliestAtATemperature) {
  const std::vector<Candidate> candidates = of({0.5, 0.125});
  EXPECT_THAT(weights(candidates, 1.0), ElementsAre(1.0, testing::DoubleNear(0.25, 1e-6)));
  EXPECT_THAT(weights(candidates, 2.0), ElementsAre(1.0, testing::DoubleNear(0.5, 1e-6)));
  EXPECT_THAT(weights(candidates, 1e-30), ElementsAre(1.0, 0.0));
}

}  // namespace
}  // namespace adder
