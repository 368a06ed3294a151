#include "make/train/elastic/fit.h"

#include <gtest/gtest.h>

#include "core/arch/budget.h"
#include "make/train/elastic/cost.h"
#include "make/train/elastic/toy_for_test.h"

namespace adder {
namespace {

double parameters(const SearchSpace& space, const Decision& decision) {
  return static_cast<double>(parameter_count(child_config(space.parent, child_of(space, decision)).value()));
}

ChoiceWeights random_scores(const SearchSpace& space) {
  ChoiceWeights scores;
  for (size_t i = 0; i < kRouterAxes; ++i) {
    const auto axis = static_cast<RouterAxis>(i);
    scores[i] = at::randn({space.slots(axis), space.choices(axis)}, torch::kFloat64);
  }
  return scores;
}

double score_of(const ChoiceWeights& scores, const Decision& decision) {
  double sum = 0;
  for (size_t i = 0; i < kRouterAxes; ++i) {
    for (size_t slot = 0; slot < decision[i].size(); ++slot)
      sum += scores[i][static_cast<int64_t>(slot)][decision[i][slot]].item<double>();
  }
  return sum;
}

TEST(Fit, NoChildInTheWindowIsLikelier) {
  const SearchSpace space = test::toy_space();
  const auto cost = [&](const Decision& decision) { return parameters(space, decision); };
  const double whole = parameters(space, {{{0}, {0}, {0}, {0}, {0}}});
  torch::manual_seed(9);
  for (const double fraction : {0.9, 0.6, 0.4}) {
    const ChoiceWeights scores = random_scores(space);
    const Decision found = fit(space, scores, cost, fraction * whole);
    EXPECT_LE(cost(found), fraction * whole);
    const double slack = 1 - cost(found) / (fraction * whole);
    Decision d;
    for (int64_t a = 0; a < space.choices(RouterAxis::kHidden); ++a)
      for (int64_t b = 0; b < space.choices(RouterAxis::kFfn); ++b)
        for (int64_t c = 0; c < space.choices(RouterAxis::kMambaHeads); ++c)
          for (int64_t e = 0; e < space.choices(RouterAxis::kAttentionHeads); ++e)
            for (int64_t f = 0; f < space.choices(RouterAxis::kDepth); ++f) {
              d = {{{a}, {b}, {c}, {e}, {f}}};
              const double other = 1 - cost(d) / (fraction * whole);
              if (other < 0 || other > std::min(slack, 0.01)) continue;
              EXPECT_LE(score_of(scores, d), score_of(scores, found)) << a << b << c << e << f;
            }
  }
}

TEST(Fit, AsksFewChildrenForTheirCost) {
  const SearchSpace space = test::nano_space();
  int asked = 0;
  const auto cost = [&](const Decision& decision) {
    ++asked;
    return parameters(space, decision);
  };
  torch::manual_seed(12);
  const double whole = parameters(space, {{{0}, {0}, {0}, {0}, {0}}});
  const double found = parameters(space, fit(space, random_scores(space), cost, 0.45 * whole));
  EXPECT_LE(found, 0.45 * whole);
  EXPECT_GE(found, 0.45 * 0.99 * whole);
  EXPECT_LT(asked, 5 * 5 * 5 * 21 / 5);
}

TEST(Fit, WhatFitsAlreadyStays) {
  const SearchSpace space = test::toy_space();
  torch::manual_seed(10);
  const ChoiceWeights scores = random_scores(space);
  Decision likeliest;
  for (size_t i = 0; i < kRouterAxes; ++i) likeliest[i] = {scores[i].argmax().item<int64_t>()};
  const auto cost = [&](const Decision& decision) { return parameters(space, decision); };
  EXPECT_EQ(fit(space, scores, cost, cost(likeliest)), likeliest);
}

TEST(Fit, SlotsMoveTogetherAndTheSmallestIsTheLastResort) {
  ElasticRecipe recipe = test::toy_recipe();
  recipe.per_layer = {"ffn"};
  const SearchSpace space = test::toy_space(recipe);
  ChoiceWeights scores;
  for (size_t i = 0; i < kRouterAxes; ++i) {
    const auto axis = static_cast<RouterAxis>(i);
    scores[i] = at::zeros({space.slots(axis), space.choices(axis)}, torch::kFloat64);
    scores[i].select(1, 0).fill_(100);  // the whole parent, above all
  }
  scores[1] = torch::tensor({{3.0, 2.0, 1.0}, {1.0, 3.0, 2.0}}, torch::kFloat64);
  const auto neurons = [&](const Decision& d) {
    return static_cast<double>(space.ffn[static_cast<size_t>(d[1][0])] + space.ffn[static_cast<size_t>(d[1][1])]);
  };
  EXPECT_EQ(fit(space, scores, neurons, 32)[1], (std::vector<int64_t>{0, 1}));  // 20 + 12
  EXPECT_EQ(fit(space, scores, neurons, 31)[1], (std::vector<int64_t>{1, 2}));  // 12 + 4: one step for both
  EXPECT_EQ(fit(space, scores, neurons, 7), smallest(space));
}

}  // namespace
}  // namespace adder
