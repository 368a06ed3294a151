#include "make/train/loop/trainer.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <limits>
#include <mutex>

#include "make/train/loop/run.h"
#include "make/train/loop/tiny_trainer_for_test.h"
#include "make/train/scale/teams_for_test.h"

namespace adder {
namespace {

using test::losses;
using test::tiny_trainer;
using ::testing::DoubleNear;
using ::testing::Pointwise;

/// Four lanes of one window, so that one, two and four processes can share them.
Recipe four_lanes(const std::string& optimizer) {
  Recipe recipe = test::tiny_recipe(optimizer);
  recipe.lanes = 4;
  return recipe;
}

/// What each of `size` processes gets from body(trainer), by rank.
template <class Result, class Body>
std::vector<Result> on_team(int size, const Recipe& recipe, const Body& body) {
  std::vector<Result> results(static_cast<size_t>(size));
  test::run_team(size, [&](const Team& team) {
    const std::shared_ptr<const Team> shared(&team, [](const Team*) {});
    Trainer trainer = tiny_trainer(recipe, shared);
    results[static_cast<size_t>(team.rank())] = body(trainer);
  });
  return results;
}

class TeamTrainer : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { std::filesystem::create_directories(dir_); }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  const Recipe recipe_ = four_lanes(GetParam());
  const std::filesystem::path dir_ = std::filesystem::path(::testing::TempDir()) / ("team-trainer-" + GetParam());
};

TEST_P(TeamTrainer, TwoProcessesTakeTheStepsOfOne) {
  use_one_thread_per_caller();
  Trainer alone = tiny_trainer(recipe_);
  const std::vector<double> expected = losses(alone, 20);
  for (const int size : {2, 4}) {
    const auto all = on_team<std::vector<double>>(size, recipe_, [](Trainer& trainer) { return losses(trainer, 20); });
    for (const std::vector<double>& mine : all) {
      EXPECT_EQ(mine, all[0]) << "all see the same";
      for (size_t i = 0; i < expected.size(); ++i)
        EXPECT_NEAR(mine[i] / expected[i], 1, 1e-5) << size << ", step " << i;
    }
  }
}

TEST_P(TeamTrainer, EachKeepsAShareOfTheOptimizersState) {
  const auto bytes = on_team<std::vector<int64_t>>(2, recipe_, [](Trainer& trainer) {
    Optimizer mine(trainer.recipe(), trainer.weights(), trainer.team().rank(), trainer.team().size());
    int64_t numbers = 0;
    for (const auto& [key, tensor] : mine.state()) numbers += tensor->numel();
    return std::vector<int64_t>{numbers};
  });
  Trainer alone = tiny_trainer(recipe_);
  int64_t whole = 0;
  Optimizer all(recipe_, alone.weights());
  for (const auto& [key, tensor] : all.state()) whole += tensor->numel();
  EXPECT_EQ(bytes[0][0] + bytes[1][0], whole);
  EXPECT_LT(std::max(bytes[0][0], bytes[1][0]), 0.7 * static_cast<double>(whole));
}

/// Saved by so many, gone on with by others: the next losses are those of a run that never stopped.
TEST_P(TeamTrainer, AnotherNumberOfProcessesGoesOn) {
  use_one_thread_per_caller();
  Trainer through = tiny_trainer(recipe_);
  const std::vector<double> expected = losses(through, 8);
  for (const auto& [before, after] : {std::pair{2, 1}, std::pair{1, 2}, std::pair{2, 4}, std::pair{4, 2}}) {
    const std::filesystem::path path = dir_ / fmt::format("{}-{}.ckpt", before, after);
    const auto saved = on_team<bool>(before, recipe_, [&](Trainer& trainer) {
      losses(trainer, 5);
      return trainer.save(path).has_value();
    });
    EXPECT_THAT(saved, ::testing::Each(true));
    const auto more = on_team<std::vector<double>>(after, recipe_, [&](Trainer& trainer) {
      const Status loaded = trainer.load(path);
      EXPECT_TRUE(loaded) << loaded.error().message();
      return losses(trainer, 3);
    });
    for (const std::vector<double>& mine : more)
      EXPECT_THAT(mine, Pointwise(DoubleNear(1e-5), std::vector<double>(expected.begin() + 5, expected.end())))
          << before << " to " << after;
  }
}

TEST_P(TeamTrainer, OldSharesGoWhenTheNewOnesAreWhole) {
  const std::filesystem::path path = dir_ / "last.ckpt";
  const auto files = [&] {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) names.push_back(entry.path().filename());
    return names;
  };
  on_team<bool>(2, recipe_, [&](Trainer& trainer) {
    losses(trainer, 1);
    EXPECT_TRUE(trainer.save(path));
    losses(trainer, 1);
    return trainer.save(path).has_value();
  });
  EXPECT_THAT(files(), ::testing::UnorderedElementsAre("last.ckpt", "last.ckpt.2.1-of-2", "last.ckpt.2.2-of-2"));

  std::filesystem::remove(dir_ / "last.ckpt.2.2-of-2");
  Trainer alone = tiny_trainer(recipe_);
  const Status loaded = alone.load(path);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message(), ::testing::HasSubstr("last.ckpt.2.2-of-2"));
}

TEST_P(TeamTrainer, ALossThatIsNotFiniteStopsAllAndNamesTheSamples) {
  const auto messages = on_team<std::string>(2, recipe_, [](Trainer& trainer) {
    if (trainer.team().rank() == 1) {
      torch::NoGradGuard no_grad;
      trainer.params().values().front().fill_(std::numeric_limits<float>::quiet_NaN());
    }
    const auto report = trainer.step(1);
    return report ? std::string() : report.error().message();
  });
  for (const std::string& message : messages)
    EXPECT_THAT(message, ::testing::HasSubstr("step 1: the loss of samples 2 to 2 is not finite"));
}

TEST_P(TeamTrainer, ATeamThatCannotShareTheLanesIsRefused) {
  const auto messages = on_team<std::string>(3, recipe_, [&](Trainer& trainer) {
    const std::atomic<bool> stop = false;
    const Status done = run(trainer, {.work = dir_}, {}, stop);
    return done ? std::string() : done.error().message();
  });
  for (const std::string& message : messages)
    EXPECT_THAT(message, ::testing::HasSubstr("3 processes for train.lanes = 4"));
}

INSTANTIATE_TEST_SUITE_P(Optimizers, TeamTrainer, ::testing::Values("adamw", "muon"),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace adder
