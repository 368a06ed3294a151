#include "make/train/elastic/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "make/train/elastic/objective.h"
#include "make/train/elastic/toy_for_test.h"

namespace adder {
namespace {

using torch::Tensor;

Router toy_router(const ElasticRecipe& recipe = test::toy_recipe()) {
  return {test::toy_space(recipe), std::ssize(recipe.fractions), recipe, recipe.seed, recipe.total_steps};
}

TEST(Router, SamplesDependOnSeedAndMicroBatchAlone) {
  const Router router = toy_router();
  const auto weights = router.initial_weights(torch::kFloat64);
  const ChoiceWeights before = router.sample(weights, 0, 5, 17);
  torch::manual_seed(99);
  router.sample(weights, 0, 5, 18);
  const ChoiceWeights again = toy_router().sample(toy_router().initial_weights(torch::kFloat64), 0, 5, 17);
  const ChoiceWeights other = router.sample(weights, 0, 5, 16);
  ElasticRecipe reseeded = test::toy_recipe();
  reseeded.seed = 4;
  const ChoiceWeights elsewhere = toy_router(reseeded).sample(weights, 0, 5, 17);
  for (size_t i = 0; i < kRouterAxes; ++i) {
    EXPECT_TRUE(before[i].equal(again[i]));
    EXPECT_FALSE(before[i].equal(other[i]));
    EXPECT_FALSE(before[i].equal(elsewhere[i]));
    EXPECT_NEAR(before[i].sum().item<double>(), 1, 1e-12);
  }
}

TEST(Router, NoiseIsGumbels) {
  // Of equal logits every choice is the likeliest equally often, and at a low temperature that one is all there is.
  ElasticRecipe recipe = test::toy_recipe();
  recipe.init_std = 1e-9;
  const Router router = toy_router(recipe);
  const auto weights = router.initial_weights(torch::kFloat64);
  std::array<int, 3> first{};
  constexpr int kDraws = 3000;
  double peak = 0;
  for (int i = 0; i < kDraws; ++i) {
    const Tensor pi = router.sample(weights, 0, recipe.total_steps, i)[0][0];
    ++first[static_cast<size_t>(pi.argmax().item<int64_t>())];
    peak += pi.max().item<double>() / kDraws;
  }
  for (const int count : first) EXPECT_NEAR(count, kDraws / 3, 4 * std::sqrt(kDraws * 2.0 / 9));
  EXPECT_GT(peak, 0.97);
}

TEST(Router, SchedulesGoFromOneEndToTheOther) {
  const Router router = toy_router();
  EXPECT_DOUBLE_EQ(router.temperature(0), 1);
  EXPECT_NEAR(router.temperature(99), 0.05, 1e-12);
  EXPECT_NEAR(router.temperature(1000), 0.05, 1e-12);
  EXPECT_NEAR(router.temperature(50) * router.temperature(49), 0.05, 1e-9) << "geometric";
  EXPECT_DOUBLE_EQ(router.scale(0), 1);
  EXPECT_DOUBLE_EQ(router.scale(99), 10);
}

TEST(Router, EveryLayerMayHaveAChoiceOfItsOwn) {
  ElasticRecipe recipe = test::toy_recipe();
  recipe.per_layer = {"ffn"};
  recipe.init_std = 1;
  const Router router = toy_router(recipe);
  const auto weights = router.initial_weights(torch::kFloat64);
  const Tensor ffn = router.sample(weights, 0, 0, 1)[1];
  ASSERT_EQ(ffn.sizes(), (std::vector<int64_t>{2, 3}));
  EXPECT_FALSE(ffn[0].allclose(ffn[1]));
  EXPECT_EQ(router.decide(weights, 0)[1].size(), 2u);
}

TEST(Router, BetweenTwoBudgetsTheirOneHotsAreMixed) {
  ElasticRecipe recipe = test::toy_recipe();
  recipe.names = {"large", "small"};
  recipe.fractions = {0.8, 0.5};
  recipe.shares = {1, 1};
  recipe.init_std = 0.1;
  recipe.scales = {1, 1};  // so that no choice is certain
  const Router router = toy_router(recipe);
  const auto weights = router.initial_weights(torch::kFloat64);
  const Tensor large = router.probabilities(weights, 0)[0], small = router.probabilities(weights, 1)[0],
               between = router.probabilities(weights, 0.5)[0];
  EXPECT_FALSE(large.allclose(small));
  EXPECT_FALSE(between.allclose(small) || between.allclose(large));
  EXPECT_TRUE(router.probabilities(weights, 1e-9)[0].allclose(large, 1e-4));
}

TEST(Router, StraightThroughIsOneChildAheadAndAllOfThemBack) {
  ElasticRecipe recipe = test::toy_recipe();
  recipe.mode = "straight_through";
  const Router router = toy_router(recipe), soft = toy_router();
  auto weights = router.initial_weights(torch::kFloat64);
  for (Tensor& weight : weights) weight.requires_grad_(true);
  const Tensor hard = router.sample(weights, 0, 3, 8)[0], pi = soft.sample(weights, 0, 3, 8)[0];
  EXPECT_EQ(hard.argmax().item<int64_t>(), pi.argmax().item<int64_t>());
  EXPECT_EQ(hard.max().item<double>(), 1);
  EXPECT_EQ(hard.sum().item<double>(), 1);
  const Tensor values = torch::tensor({3.0, -1.0, 2.0}, torch::kFloat64).view({1, 3});
  const auto grad = torch::autograd::grad({(hard * values).sum()}, {weights[1]})[0];
  EXPECT_TRUE(grad.allclose(torch::autograd::grad({(pi * values).sum()}, {weights[1]})[0]));
}

/// A router alone with a task, stepped by Adam; returns what it decides.
Decision train_alone(const SearchSpace& space, const ElasticRecipe& recipe, const Cost& cost,
                     const std::function<Tensor(const ChoiceWeights&)>& task) {
  const Router router(space, 1, recipe, recipe.seed, recipe.total_steps);
  auto weights = router.initial_weights(torch::kFloat64);
  const double full = cost(sizes_of(space.parent)).item<double>();
  std::vector<Tensor> first, second;
  for (Tensor& weight : weights) {
    weight.requires_grad_(true);
    first.push_back(at::zeros_like(weight));
    second.push_back(at::zeros_like(weight));
  }
  for (int64_t step = 0; step < recipe.total_steps; ++step) {
    const ChoiceWeights sampled = router.sample(weights, 0, step, step);
    const Tensor loss =
        task(sampled) + budget_penalty(cost(sizes_of(space, sampled)), full, recipe.fractions[0],
                                       recipe.dead_zone[step * 3 < recipe.total_steps * 2 ? 0 : 1], sampled);
    const auto grads = torch::autograd::grad({loss}, weights, {}, false, false, true);
    torch::NoGradGuard no_grad;
    const double n = static_cast<double>(step + 1);
    for (size_t i = 0; i < weights.size(); ++i) {
      if (!grads[i].defined()) continue;
      first[i].mul_(0.9).add_(grads[i], 0.1);
      second[i].mul_(0.99).addcmul_(grads[i], grads[i], 0.01);
      const Tensor spread = (second[i] / (1 - std::pow(0.99, n))).sqrt_().add_(1e-8);
      weights[i].addcdiv_(first[i], spread, -recipe.router_rate / (1 - std::pow(0.9, n)));
    }
  }
  return router.decide(weights, 0);
}

double fraction(const SearchSpace& space, const Cost& cost, const Decision& decision) {
  return cost(sizes_of(space, one_hot(space, decision, torch::kFloat64))).item<double>() /
         cost(sizes_of(space.parent)).item<double>();
}

TEST(Router, AloneWithABudgetItMeetsTheBudget) {
  const SearchSpace space = test::nano_space();
  ElasticRecipe recipe = test::toy_recipe();
  recipe.fractions = {0.45};
  recipe.total_steps = 300;
  for (const Cost& cost : {parameter_cost(space.parent), byte_cost(space.parent, {2, 2, 4, 4096})}) {
    const Decision decision = train_alone(space, recipe, cost, [](const ChoiceWeights& w) { return w[0].sum() * 0; });
    EXPECT_NEAR(fraction(space, cost, decision), 0.45, 0.45 * 0.05);
  }
}

TEST(Router, SpendsTheCutOnTheAxesThatTheTaskDoesNotMiss) {
  const SearchSpace space = test::nano_space();
  ElasticRecipe recipe = test::toy_recipe();
  recipe.fractions = {0.45};
  recipe.total_steps = 300;
  const Cost cost = parameter_cost(space.parent);
  for (const RouterAxis loved : {RouterAxis::kHidden, RouterAxis::kFfn}) {
    const auto task = [&](const ChoiceWeights& w) {
      const Tensor widths = torch::tensor(space.widths(loved), torch::kFloat64);
      return 3 * (1 - at::dot(w[static_cast<size_t>(loved)][0], widths) / widths[0]);
    };
    const Decision decision = train_alone(space, recipe, cost, task);
    EXPECT_EQ(decision[static_cast<size_t>(loved)][0], 0) << name(loved) << " stays whole";
    EXPECT_NEAR(fraction(space, cost, decision), 0.45, 0.45 * 0.06) << name(loved);
  }
}

}  // namespace
}  // namespace adder
