#include "make/train/loss/head_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "make/train/data/windows.h"

namespace adder {
namespace {

using torch::Tensor;

constexpr int64_t kRows = 7, kVocabulary = 11, kWidth = 5;

Tensor random(std::vector<int64_t> shape) {
  return at::randn(shape, torch::kFloat64);
}

/// Rows, an output layer, a teacher of another width; the third and the last row have no target.
struct Case {
  Tensor hidden, head, targets;
  TeacherRows teacher;
};
Case random_case() {
  torch::manual_seed(2);
  Case c{random({kRows, kWidth}), random({kVocabulary, kWidth}), at::arange(kRows, torch::kInt64) + 3, {}};
  c.targets[2] = c.targets[kRows - 1] = kNoTarget;
  c.teacher.hidden = random({kRows, 4});
  c.teacher.head = random({kVocabulary, 4});
  return c;
}

/// The definition, row by row and token by token.
HeadLoss by_hand(const Case& c, double temperature) {
  HeadLoss loss;
  const Tensor z = at::mm(c.hidden, c.head.t()), zt = at::mm(c.teacher.hidden, c.teacher.head.t());
  for (int64_t row = 0; row < kRows; ++row) {
    const auto target = c.targets[row].item<int64_t>();
    if (target == kNoTarget) continue;
    double sum1 = 0, sum_q = 0, sum_p = 0;
    for (int64_t v = 0; v < kVocabulary; ++v) {
      sum1 += std::exp(z[row][v].item<double>());
      sum_q += std::exp(z[row][v].item<double>() / temperature);
      sum_p += std::exp(zt[row][v].item<double>() / temperature);
    }
    loss.nats += std::log(sum1) - z[row][target].item<double>();
    for (int64_t v = 0; v < kVocabulary; ++v) {
      const double log_q = z[row][v].item<double>() / temperature - std::log(sum_q);
      const double log_p = zt[row][v].item<double>() / temperature - std::log(sum_p);
      loss.kl += std::exp(log_p) * (log_p - log_q);
    }
    loss.correct += z[row].argmax().item<int64_t>() == target;
    loss.agreed += z[row].argmax().item<int64_t>() == zt[row].argmax().item<int64_t>();
  }
  return loss;
}

void expect_finite_differences(const Case& c, const HeadLossOptions& options) {
  for (const bool of_head : {false, true}) {
    Tensor hidden = c.hidden.clone().requires_grad_(true), head = c.head.clone().requires_grad_(true);
    (head_loss(hidden, head, c.targets, c.teacher, options).total * 3).backward();
    Tensor& moved = of_head ? head : hidden;
    const Tensor grad = moved.grad().view(-1);
    torch::NoGradGuard no_grad;
    Tensor flat = moved.view(-1);
    for (int64_t i = 0; i < flat.numel(); ++i) {
      constexpr double kStep = 1e-5;
      const double old = flat[i].item<double>();
      const auto at = [&](double value) {
        flat[i] = value;
        return 3 * head_loss(hidden, head, c.targets, c.teacher, options).total.item<double>();
      };
      const double numeric = (at(old + kStep) - at(old - kStep)) / (2 * kStep);
      flat[i] = old;
      ASSERT_NEAR(grad[i].item<double>(), numeric, 1e-7) << (of_head ? "head" : "hidden") << " element " << i;
    }
  }
}

TEST(HeadLoss, IsWhatTheDefinitionSays) {
  Case c = random_case();
  c.targets[0] = at::mm(c.hidden, c.head.t())[0].argmax();  // one that is right, at least
  for (const double temperature : {1.0, 2.5}) {
    const HeadLoss expected = by_hand(c, temperature);
    const HeadLoss loss =
        head_loss(c.hidden, c.head, c.targets, c.teacher, {.kd = 0.7, .ce = 0.3, .temperature = temperature});
    EXPECT_NEAR(loss.nats, expected.nats, 1e-10);
    EXPECT_NEAR(loss.kl, expected.kl, 1e-10);
    EXPECT_EQ(loss.agreed, expected.agreed);
    EXPECT_EQ(loss.correct, expected.correct);
    EXPECT_NEAR(loss.total.item<double>(), 0.3 * expected.nats + 0.7 * temperature * temperature * expected.kl, 1e-10);
  }
}

TEST(HeadLoss, GradientsMatchFiniteDifferences) {
  Case c = random_case();
  expect_finite_differences(c, {.kd = 1, .ce = 0});
  expect_finite_differences(c, {.kd = 0.6, .ce = 0.4, .temperature = 2});
  c.teacher = keep_top(c.teacher.hidden, c.teacher.head, 3, 2, Precision::kF32);
  expect_finite_differences(c, {.kd = 0.6, .ce = 0.4, .temperature = 2});
  c.teacher = {};
  expect_finite_differences(c, {.kd = 0, .ce = 1});
}

TEST(HeadLoss, OfTheTeachersTopKTheRestIsOneToken) {
  Case c = random_case();
  const Tensor z = at::mm(c.hidden, c.head.t()), zt = at::mm(c.teacher.hidden, c.teacher.head.t());
  const Tensor p = at::softmax(zt, 1), q = at::softmax(z, 1);
  constexpr int64_t kTop = 3;
  double expected = 0;
  for (int64_t row = 0; row < kRows; ++row) {
    if (c.targets[row].item<int64_t>() == kNoTarget) continue;
    const Tensor order = p[row].argsort(0, true);
    double p_rest = 0, q_rest = 0;
    for (int64_t i = 0; i < kVocabulary; ++i) {
      const auto v = order[i].item<int64_t>();
      const double pv = p[row][v].item<double>(), qv = q[row][v].item<double>();
      if (i < kTop) expected += pv * std::log(pv / qv);
      if (i >= kTop) p_rest += pv, q_rest += qv;
    }
    expected += p_rest * std::log(p_rest / q_rest);
  }
  const TeacherRows whole = c.teacher;
  c.teacher = keep_top(whole.hidden, whole.head, kTop, 1, Precision::kF32);
  EXPECT_NEAR(head_loss(c.hidden, c.head, c.targets, c.teacher, {.kd = 1, .ce = 0}).kl, expected, 1e-10);

  const TeacherRows everything = keep_top(whole.hidden, whole.head, kVocabulary, 1, Precision::kF32);
  EXPECT_NEAR(head_loss(c.hidden, c.head, c.targets, everything, {.kd = 1, .ce = 0}).kl,
              by_hand({c.hidden, c.head, c.targets, whole}, 1).kl, 1e-10);
}

TEST(HeadLoss, BlocksOfRowsMakeNoDifference) {
  // 60,000 tokens: 69 rows to a block, so that 150 rows take three.
  torch::manual_seed(3);
  const Tensor hidden = at::randn({150, 4}, torch::kFloat64).requires_grad_(true);
  const Tensor head = at::randn({60'000, 4}, torch::kFloat64).requires_grad_(true);
  const Tensor targets = at::randint(0, 60'000, {150}, torch::kInt64);
  head_loss(hidden, head, targets, {}, {}).total.backward();
  const Tensor d_hidden = hidden.grad().clone(), d_head = head.grad().clone();
  hidden.mutable_grad() = head.mutable_grad() = Tensor();
  const Tensor expected = at::cross_entropy_loss(at::mm(hidden, head.t()), targets, {}, at::Reduction::Sum);
  expected.backward();
  EXPECT_LT((d_hidden - hidden.grad()).abs().max().item<double>(), 1e-10);
  EXPECT_LT((d_head - head.grad()).abs().max().item<double>(), 1e-10);
}

}  // namespace
}  // namespace adder
