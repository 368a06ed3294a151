#include "make/train/elastic/objective.h"

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <utility>

#include "make/train/elastic/toy_for_test.h"
#include "make/train/loop/trainer.h"
#include "make/train/scale/teams_for_test.h"

namespace adder {
namespace {

using torch::Tensor;

struct Toy {
  ElasticRecipe recipe;
  std::shared_ptr<const Elastic> objective;
  Weights weights;
};

Teacher toy_teacher(const ElasticRecipe& recipe, ForwardOptions forward, torch::ScalarType type = torch::kFloat32) {
  return Teacher::open(std::make_shared<const Parameters>(test::toy_parameters(type)), recipe, forward).value();
}

Toy toy(const ElasticRecipe& recipe, torch::ScalarType type = torch::kFloat32) {
  const SearchSpace space = test::toy_space(recipe);
  const ForwardOptions forward{.chunk = recipe.chunk, .recompute = recipe.recompute};
  Distillation distillation(toy_teacher(recipe, forward, type), recipe, forward);
  auto objective =
      std::make_shared<Elastic>(recipe, space, parameter_cost(space.parent), std::move(distillation), type);
  Weights weights{test::toy_parameters(type), objective->router().initial_weights(type), recipe.router_rate};
  return {recipe, std::move(objective), std::move(weights)};
}

MicroBatch micro_batch(int64_t index = 0, int64_t step = 40) {
  const Tensor tokens = test::toy_tokens();
  Tensor targets = at::randint(0, 13, {tokens.numel()}, torch::kInt64);
  return {tokens, targets, {}, index, step};
}

TEST(Elastic, GradientsOfRouterAndWeightsMatchFiniteDifferences) {
  ElasticRecipe recipe = test::toy_recipe();
  recipe.names = {"whole", "small"};
  recipe.fractions = {1, 0.4};
  recipe.shares = {1, 1};
  recipe.per_layer = {"ffn"};
  recipe.ce = 0.3;
  recipe.width = 3;
  recipe.init_std = 0.5;
  for (const bool recompute : {false, true}) {
    recipe.recompute = recompute;
    Toy t = toy(recipe, torch::kFloat64);
    for (size_t i = 0; i < t.weights.count(); ++i) t.weights.at(i).requires_grad_(true);
    std::array<bool, 2> seen{};
    for (int64_t index = 0; index < 8; ++index) {  // both budgets are drawn
      bool& tried = seen[static_cast<size_t>(t.objective->draw_budget(index))];
      if (std::exchange(tried, true)) continue;
      const MicroBatch micro = micro_batch(index);
      for (size_t i = 0; i < t.weights.count(); ++i) t.weights.at(i).mutable_grad() = Tensor();
      t.objective->loss(t.weights, micro).total.backward();
      torch::NoGradGuard no_grad;
      for (size_t i = 0; i < t.weights.count(); ++i) {
        const bool of_router = i >= t.weights.model.values().size();
        Tensor flat = t.weights.at(i).view(-1);
        const Tensor grad = t.weights.at(i).grad().view(-1);
        // Every weight of the router, a few of the model.
        for (int64_t j = 0; j < flat.numel(); j += of_router ? 1 : 1 + flat.numel() / 2) {
          constexpr double kStep = 1e-6;
          const double old = flat[j].item<double>();
          const auto at = [&](double value) {
            flat[j] = value;
            return t.objective->loss(t.weights, micro).total.item<double>();
          };
          const double numeric = (at(old + kStep) - at(old - kStep)) / (2 * kStep);
          flat[j] = old;
          EXPECT_NEAR(grad[j].item<double>(), numeric, 1e-5 * std::max(1.0, std::abs(numeric)))
              << t.weights.name_of(i) << " element " << j << " micro-batch " << index;
        }
      }
    }
    EXPECT_TRUE(seen[0] && seen[1]);
  }
}

TEST(Elastic, StraightThroughItTrainsWhatASliceWouldBe) {
  ElasticRecipe recipe = test::toy_recipe();
  recipe.mode = "straight_through";
  recipe.lambda = 0;
  const Toy t = toy(recipe);
  torch::NoGradGuard no_grad;
  const MicroBatch micro = micro_batch(7);
  const ChoiceWeights sampled = t.objective->router().sample(t.weights.beside, 0, micro.step, micro.index);
  Decision decision;
  for (size_t i = 0; i < kRouterAxes; ++i) decision[i] = {sampled[i].argmax().item<int64_t>()};
  const Parameters child = test::sliced(t.weights.model, child_of(t.objective->space(), decision));
  const ForwardOptions forward{.chunk = recipe.chunk};
  const Distillation plain(toy_teacher(recipe, forward), recipe, forward);
  const HeadLoss expected = plain.masked_loss(child, nullptr, micro), loss = t.objective->loss(t.weights, micro);
  EXPECT_GT(expected.kl, 0.1);
  EXPECT_NEAR(loss.kl, expected.kl, 1e-4 * expected.kl);
  EXPECT_NEAR(loss.nats, expected.nats, 1e-4 * expected.nats);
}

TEST(Elastic, InTheLastThirdItTrainsTheChildThatWouldBeCut) {
  ElasticRecipe recipe = test::toy_recipe();
  recipe.lambda = 0;
  Toy t = toy(recipe);
  const int64_t first = 67;  // of 100
  const MicroBatch before = micro_batch(7, first - 1), settled{before.tokens, before.targets, {}, 7, first};
  const Decision cut = t.objective->decide(t.weights, 0);
  ASSERT_NE(cut, t.objective->router().decide(t.weights.beside, 0)) << "whose first choice costs too much";
  const double of_cut = ElasticChild(*t.objective, cut).loss(t.weights, settled).kl;
  EXPECT_GT(std::abs(t.objective->loss(t.weights, before).kl - of_cut), 1e-3 * of_cut);
  for (torch::Tensor& weight : t.weights.beside) weight.requires_grad_(true);
  const HeadLoss loss = t.objective->loss(t.weights, settled);
  EXPECT_DOUBLE_EQ(loss.kl, of_cut);
  loss.total.backward();
  EXPECT_GT(t.weights.beside[1].grad().abs().max().item<double>(), 0) << "the router learns on";
}

TEST(Elastic, TheUnsampledParentIsItsOwnTeacher) {
  ElasticRecipe recipe = test::toy_recipe();
  recipe.hidden = {24};
  recipe.ffn = {20};
  recipe.mamba_heads = {8};
  recipe.attention_heads = {4};
  recipe.most_dropped = 0;
  const Toy t = toy(recipe);
  const MicroBatch micro = micro_batch();
  const HeadLoss loss = ElasticChild(*t.objective, t.objective->decide(t.weights, 0)).loss(t.weights, micro);
  EXPECT_NEAR(loss.kl, 0, 1e-5);
  EXPECT_EQ(loss.agreed, micro.targets.numel());
}

TEST(BudgetPenalty, IsRelativeWithADeadZoneExceptForTheWholeParent) {
  const SearchSpace space = test::toy_space();
  const auto at = [&](double cost, double fraction, const ChoiceWeights& w) {
    return budget_penalty(torch::tensor(cost, torch::kFloat64), 1000, fraction, 0.05, w).item<double>();
  };
  const ChoiceWeights full = one_hot(space, {{{0}, {0}, {0}, {0}, {0}}}, torch::kFloat64),
                      other = one_hot(space, {{{1}, {0}, {0}, {1}, {0}}}, torch::kFloat64);
  EXPECT_DOUBLE_EQ(at(600, 0.5, other), 0.2);
  EXPECT_DOUBLE_EQ(at(400, 0.5, other), 0.2);
  EXPECT_DOUBLE_EQ(at(520, 0.5, other), 0);
  EXPECT_DOUBLE_EQ(at(1000, 1, full), 0);
  EXPECT_NEAR(at(980, 1, full), 0.02, 1e-12);
  EXPECT_NEAR(at(980, 1, other), 0.02 + 10 * (2.0 / 3 + 2.0 / 2), 1e-12);
}

Mixture toy_text(const ElasticRecipe& recipe) {
  std::vector<TokenId> stream;
  for (int document = 0; document < 12; ++document) {
    stream.push_back(1);
    for (int i = 0; i < 30; ++i) stream.push_back(2 + (document * 5 + i) % 11);
  }
  return Mixture(Windows(stream, 1, recipe.seq_len, recipe.seed));
}

TEST(Elastic, LanesDoNotChangeWhatTheRouterSees) {
  std::vector<Weights> after;
  std::vector<double> losses;
  for (const int64_t lanes : {1, 2, 4}) {
    ElasticRecipe recipe = test::toy_recipe();
    recipe.lanes = lanes;
    Toy t = toy(recipe);
    Trainer trainer(recipe, std::move(t.weights), toy_text(recipe), t.objective);
    for (int step = 0; step < 3; ++step) losses.push_back(trainer.step(1).value().loss);
    after.push_back(std::move(trainer.weights()));
  }
  for (size_t run = 1; run < after.size(); ++run) {
    for (size_t step = 0; step < 3; ++step) EXPECT_NEAR(losses[3 * run + step], losses[step], 1e-4 * losses[step]);
    for (size_t i = 0; i < after[0].beside.size(); ++i) {
      EXPECT_TRUE(after[run].beside[i].allclose(after[0].beside[i], 1e-3, 1e-4)) << "router weight " << i;
    }
  }
}

/// Elastic, and by the number of the micro-batch what the router drew for it.
class Drawn : public Objective {
 public:
  using Draws = std::map<int64_t, std::pair<int64_t, ChoiceWeights>>;
  explicit Drawn(std::shared_ptr<const Elastic> elastic) : elastic_(std::move(elastic)) {}

  HeadLoss loss(const Weights& weights, const MicroBatch& micro) const override {
    const int64_t budget = elastic_->draw_budget(micro.index);
    {
      torch::NoGradGuard no_grad;
      ChoiceWeights pi = elastic_->router().sample(weights.beside, budget, micro.step, micro.index);
      const std::lock_guard lock(mutex_);
      EXPECT_TRUE(draws_.emplace(micro.index, std::pair(budget, std::move(pi))).second) << "drawn for twice";
    }
    return elastic_->loss(weights, micro);
  }
  Draws take() const {
    const std::lock_guard lock(mutex_);
    return std::exchange(draws_, {});
  }

 private:
  std::shared_ptr<const Elastic> elastic_;
  mutable std::mutex mutex_;
  mutable Draws draws_;
};

/// The noise is that of one process to the bit. So is what is drawn in the first step; later the router's weights
/// differ by the rounding of sums over processes.
TEST(Elastic, TheSameIsDrawnHoweverManyProcessesShareTheWork) {
  ElasticRecipe recipe = test::toy_recipe();
  recipe.names = {"large", "small"};
  recipe.fractions = {0.8, 0.5};
  recipe.shares = {1, 1};
  recipe.per_layer = {"ffn"};
  recipe.lanes = 4;
  constexpr int64_t kSteps = 4;
  std::vector<Drawn::Draws> runs;
  for (const int size : {1, 2, 4}) {
    Drawn::Draws all;
    std::mutex mutex;
    test::run_team(size, [&](const Team& team) {
      Toy t = toy(recipe);
      const auto drawn = std::make_shared<const Drawn>(t.objective);
      const std::shared_ptr<const Team> shared(&team, [](const Team*) {});
      Trainer trainer(recipe, std::move(t.weights), toy_text(recipe), drawn, shared);
      for (int64_t step = 0; step < kSteps; ++step) ASSERT_TRUE(trainer.step(1));
      Drawn::Draws mine = drawn->take();
      EXPECT_EQ(std::ssize(mine), kSteps * recipe.batch / size) << "an equal share";
      const std::lock_guard lock(mutex);
      all.merge(mine);
    });
    ASSERT_EQ(std::ssize(all), kSteps * recipe.batch) << size << " processes";
    runs.push_back(std::move(all));
  }
  for (size_t run = 1; run < runs.size(); ++run) {
    for (const auto& [index, draw] : runs[0]) {
      const auto& [budget, pi] = runs[run].at(index);
      EXPECT_EQ(budget, draw.first) << index;
      for (size_t axis = 0; axis < pi.size(); ++axis) {
        const bool same =
            index < recipe.batch ? pi[axis].equal(draw.second[axis]) : pi[axis].allclose(draw.second[axis], 1e-3, 1e-4);
        EXPECT_TRUE(same) << "micro-batch " << index << ", axis " << axis;
      }
    }
  }
}

}  // namespace
}  // namespace adder
