#include "make/train/loop/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "core/base/atomic_file.h"
#include "make/train/loop/tiny_trainer_for_test.h"

namespace adder {
namespace {

using test::expect_same_parameters;
using test::losses;
using test::tiny_recipe;
using test::tiny_trainer;

TEST(Trainer, ARunThatBeginsLaterSeesTheSamplesThatFollow) {
  use_one_thread_per_caller();
  Recipe still = tiny_recipe("adamw");
  still.learning_rate = still.weight_decay = 0;
  Trainer whole = tiny_trainer(still);
  std::vector<double> all = losses(whole, 5);
  still.first_sample = 2 * still.batch;
  Trainer later = tiny_trainer(still);
  EXPECT_EQ(losses(later, 3), std::vector<double>(all.begin() + 2, all.end()));
  EXPECT_EQ(later.tokens_seen(), 3 * still.batch * still.seq_len);
  EXPECT_EQ(later.tokens_reached(), whole.tokens_reached());
}

class EitherOptimizer : public testing::TestWithParam<std::string> {};

TEST_P(EitherOptimizer, TenStepsAreFiveSavedAndLoadedAndFiveMoreToTheBit) {
  use_one_thread_per_caller();
  const auto path = std::filesystem::path(testing::TempDir()) / ("resume-" + GetParam() + ".ckpt");
  Trainer through = tiny_trainer(tiny_recipe(GetParam()));
  const std::vector<double> expected = losses(through, 10);

  Trainer before = tiny_trainer(tiny_recipe(GetParam()));
  losses(before, 5);
  ASSERT_TRUE(before.save(path));
  Trainer after = tiny_trainer(tiny_recipe(GetParam()));
  const Status loaded = after.load(path);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(after.steps_done(), 5);
  EXPECT_EQ(losses(after, 5), std::vector<double>(expected.begin() + 5, expected.end()));
  expect_same_parameters(through, after);
}

TEST_P(EitherOptimizer, LearnsToCount) {
  Trainer trainer = tiny_trainer(tiny_recipe(GetParam()));
  const std::vector<double> all = losses(trainer, 80);
  EXPECT_NEAR(all.front(), std::log(24.0), 0.3);
  EXPECT_LT(all.back(), 0.5 * all.front());
}

INSTANTIATE_TEST_SUITE_P(Optimizers, EitherOptimizer, testing::Values("adamw", "muon"),
                         [](const auto& instance) { return instance.param; });

/// From the first build whose operations all matched the recurrence and finite differences; a later one that leaves
/// this path has changed what training does.
TEST(Trainer, TenStepsReproduceTheSavedLosses) {
  use_one_thread_per_caller();
  const std::vector<double> saved = {3.33093, 3.15642, 2.74872, 2.40529, 2.17534,
                                     2.01881, 1.79725, 1.68629, 1.61229, 1.52525};
  Trainer trainer = tiny_trainer(tiny_recipe("adamw"));
  EXPECT_THAT(losses(trainer, 10), testing::Pointwise(testing::DoubleNear(1e-3), saved));
}

TEST(Trainer, ThreadsDoNotChangeTheNumbers) {
  use_one_thread_per_caller();
  Trainer one = tiny_trainer(), two = tiny_trainer();
  EXPECT_EQ(losses(one, 4, 1), losses(two, 4, 2));
  expect_same_parameters(one, two);
}

TEST(Trainer, AccumulationSumsWhatOneBigBatchWould) {
  Recipe whole = tiny_recipe();
  whole.lanes = 1;
  whole.micro_batch = 4;
  Trainer accumulated = tiny_trainer(), at_once = tiny_trainer(whole);
  const StepReport a = accumulated.step(1).value(), b = at_once.step(1).value();
  EXPECT_NEAR(a.loss, b.loss, 1e-5);
  EXPECT_NEAR(a.grad_norm, b.grad_norm, 1e-4);
}

TEST(Trainer, RecomputedActivationsGiveTheSameGradients) {
  Recipe again = tiny_recipe();
  again.recompute = true;
  Trainer kept = tiny_trainer(), recomputed = tiny_trainer(again);
  EXPECT_EQ(losses(kept, 4), losses(recomputed, 4));
  expect_same_parameters(kept, recomputed);
}

TEST(Trainer, SegmentsGiveTheSameLosses) {
  Recipe in_segments = tiny_recipe();
  in_segments.recompute = true;
  in_segments.segment = in_segments.chunk;
  ASSERT_GT(in_segments.seq_len, in_segments.chunk);
  Trainer whole = tiny_trainer(), parts = tiny_trainer(in_segments);
  const std::vector<double> a = losses(whole, 4), b = losses(parts, 4);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5 * a[i]);
}

TEST(Trainer, ALossThatIsNotFiniteNamesTheStepAndChangesNothing) {
  Trainer trainer = tiny_trainer();
  losses(trainer, 2);
  {
    torch::NoGradGuard no_grad;
    trainer.params().values().front().fill_(std::numeric_limits<float>::quiet_NaN());
  }
  const torch::Tensor other = trainer.params().get(Role::kOutput).clone();
  const auto report = trainer.step(1);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message(), testing::HasSubstr("step 3: the loss of samples 8 to 8 is not finite"));
  EXPECT_TRUE(trainer.params().get(Role::kOutput).equal(other));
  EXPECT_EQ(trainer.steps_done(), 2);
}

TEST(Trainer, RefusesCheckpointsOfAnotherShapeOrKind) {
  const std::filesystem::path directory = testing::TempDir();
  Trainer trainer = tiny_trainer();
  ASSERT_TRUE(trainer.save(directory / "shape.ckpt"));
  Recipe wider = tiny_recipe();
  wider.intermediate_size = 64;
  EXPECT_THAT(tiny_trainer(wider).load(directory / "shape.ckpt").error().message(), testing::HasSubstr("param.up.1"));
  ASSERT_TRUE(write_file(directory / "text.ckpt", "not an archive"));
  EXPECT_THAT(trainer.load(directory / "text.ckpt").error().message(), testing::HasSubstr("text.ckpt"));
  EXPECT_FALSE(trainer.load(directory / "absent.ckpt"));
}

TEST(Optimizer, OrthogonaliseBringsSingularValuesTogether) {
  torch::manual_seed(1);
  for (const auto& [rows, columns] : {std::pair{6, 10}, std::pair{10, 6}}) {
    const torch::Tensor q = orthogonalise(torch::randn({rows, columns}));
    const torch::Tensor gram = rows < columns ? at::mm(q, q.t()) : at::mm(q.t(), q);
    EXPECT_EQ(q.sizes(), (std::vector<int64_t>{rows, columns}));
    EXPECT_LT((gram - torch::eye(6)).abs().max().item<double>(), 0.6);
  }
}

TEST(Optimizer, AdamWMatchesTheFormulaOnItsFirstStep) {
  // After one step the corrected momentum is g and the corrected variance g^2: the update is rate sign(g), and decay.
  const Recipe recipe = tiny_recipe("adamw");
  Weights weights{Parameters(model_config(recipe).value(), torch::kFloat32), {torch::ones({3})}, 0.1};
  Parameters& params = weights.model;
  params.initialise(1, 0.1);
  std::vector<torch::Tensor> before, grads;
  for (const torch::Tensor& value : params.values()) {
    before.push_back(value.clone());
    grads.push_back(at::full_like(value, -0.5));
  }
  grads.push_back(at::full({3}, 2.0));
  Optimizer optimizer(recipe, weights);
  optimizer.step(weights, grads, 0.5, 1);
  EXPECT_TRUE(at::allclose(weights.beside[0], at::full({3}, 1 - 0.5 * 0.1), 1e-5, 1e-6)) << "at a rate of its own";
  for (size_t i = 0; i < params.values().size(); ++i) {
    const Role role = params.specs()[i].role;
    const bool decays = params.specs()[i].is_matrix && role != Role::kEmbedding;
    const torch::Tensor expected = before[i] * (decays ? 1 - 0.5 * 1e-2 * 0.1 : 1.0) + 0.5 * 1e-2;
    EXPECT_TRUE(at::allclose(params.values()[i], expected, 1e-5, 1e-6)) << name(role);
  }
}

}  // namespace
}  // namespace adder
