#include "make/train/loop/trainer.h"

#include <cmath>
#include <limits>

#include "make/train/loop/parallel.h"

namespace adder {
namespace {

LossSums sums_of(const HeadLoss& loss, int64_t targets) {
  return {loss.total.item<double>(), loss.nats, loss.kl, loss.agreed, loss.correct, targets};
}

/// The targets are not counted: every process knows them.
LossSums sum_over(const Team& team, const LossSums& mine) {
  const torch::Tensor all = torch::tensor(
      {mine.total, mine.nats, mine.kl, static_cast<double>(mine.agreed), static_cast<double>(mine.correct)},
      torch::kFloat64);
  team.sum({&all, 1});
  const double* const sums = all.data_ptr<double>();
  return {.total = sums[0],
          .nats = sums[1],
          .kl = sums[2],
          .agreed = static_cast<int64_t>(sums[3]),
          .correct = static_cast<int64_t>(sums[4])};
}

}  // namespace

void LossSums::add(const LossSums& other) {
  total += other.total;
  nats += other.nats;
  kl += other.kl;
  agreed += other.agreed;
  correct += other.correct;
  targets += other.targets;
}

Trainer::Trainer(const RunRecipe& recipe, Weights weights, Mixture text, std::shared_ptr<const Objective> objective,
                 std::shared_ptr<const Team> team)
    : recipe_(recipe),
      weights_(std::move(weights)),
      team_(std::move(team)),
      optimizer_(recipe, weights_, team_->rank(), team_->size()),
      text_(std::move(text)),
      objective_(std::move(objective)),
      device_(weights_.model.values().front().device()) {
  for (int64_t i = 0; i < recipe.lanes / team_->size(); ++i) lanes_.push_back(weights_.lane());
}

MicroBatch Trainer::micro_batch(const WindowBatch& batch, int64_t first, int64_t rows) const {
  const auto part = [&](const auto& values, torch::ScalarType type) {
    auto* data = const_cast<void*>(static_cast<const void*>(values.data() + first * batch.length));
    return torch::from_blob(data, {rows, batch.length}, type).to(device_);
  };
  MicroBatch micro{part(batch.tokens, torch::kInt64), part(batch.targets, torch::kInt64).view(-1), {}};
  if (batch.any_start) micro.starts = part(batch.starts, torch::kUInt8).to(torch::kBool);
  micro.index = (samples_seen_ + first) / recipe_.micro_batch;
  micro.step = steps_done_;
  return micro;
}

Trainer::LaneResult Trainer::run_lane(size_t lane, const WindowBatch& batch) {
  LaneResult result;
  Weights& own = lanes_[lane];
  for (size_t i = 0; i < own.count(); ++i) own.at(i).mutable_grad() = torch::Tensor();
  const int64_t per_lane = recipe_.batch / recipe_.lanes, first = team_->rank() * std::ssize(lanes_);
  const int64_t begin = (first + static_cast<int64_t>(lane)) * per_lane;
  for (int64_t row = begin; row < begin + per_lane; row += recipe_.micro_batch) {
    const HeadLoss loss = objective_->loss(own, micro_batch(batch, row, recipe_.micro_batch));
    result.sums.add(sums_of(loss, 0));
    if (!std::isfinite(result.sums.total)) {
      result.bad_row = row;
      return result;
    }
    (loss.total / static_cast<double>(batch.n_targets)).backward();
  }
  return result;
}

/// Of all lanes of all processes, for every tensor.
std::vector<torch::Tensor> Trainer::gradients() const {
  std::vector<torch::Tensor> grads;
  for (size_t i = 0; i < weights_.count(); ++i) {
    torch::Tensor sum = lanes_[0].at(i).grad();
    if (!sum.defined()) sum = at::zeros_like(weights_.at(i));
    for (size_t lane = 1; lane < lanes_.size(); ++lane) {
      if (const torch::Tensor grad = lanes_[lane].at(i).grad(); grad.defined()) sum.add_(grad);
    }
    grads.push_back(sum);
  }
  team_->sum(grads);
  return grads;
}

Result<StepReport> Trainer::step(int threads) {
  const WindowBatch batch = text_.batch(recipe_.first_sample + samples_seen_, recipe_.batch);
  const int64_t first = recipe_.first_sample + samples_seen_;
  const size_t n_lanes = lanes_.size();
  CHECK(recipe_.lanes % team_->size() == 0, "{} lanes for {} processes", recipe_.lanes, team_->size());
  std::vector<LaneResult> results(n_lanes);
  const int side = std::min(threads, static_cast<int>(n_lanes));
  run_side_by_side(side, [&](int thread) {
    for (auto lane = static_cast<size_t>(thread); lane < n_lanes; lane += static_cast<size_t>(side)) {
      results[lane] = run_lane(lane, batch);
    }
  });

  torch::NoGradGuard no_grad;
  StepReport report{.step = steps_done_ + 1};
  int64_t bad_row = std::numeric_limits<int64_t>::max();
  for (const LaneResult& result : results) {
    if (result.bad_row >= 0) bad_row = std::min(bad_row, result.bad_row);
    report.sums.add(result.sums);
  }
  if (bad_row = team_->least(bad_row); bad_row < batch.rows) {
    return Error::corrupt("step {}: the loss of samples {} to {} is not finite", report.step, first + bad_row,
                          first + bad_row + recipe_.micro_batch - 1);
  }
  report.sums = sum_over(*team_, report.sums);
  report.sums.targets = batch.n_targets;
  report.loss = report.sums.mean(report.sums.total);

  const std::vector<torch::Tensor> grads = gradients();
  double square = 0;
  for (size_t i = 0; i < grads.size(); ++i) {
    const double norm = grads[i].norm().item<double>();
    if (!std::isfinite(norm)) {
      return Error::corrupt("step {}, samples {} to {}: the gradient of {} is not finite", report.step, first,
                            first + recipe_.batch - 1, weights_.name_of(i));
    }
    if (i < weights_.model.values().size()) square += norm * norm;
  }
  report.grad_norm = std::sqrt(square);
  if (recipe_.clip > 0 && report.grad_norm > recipe_.clip) {
    for (size_t i = 0; i < weights_.model.values().size(); ++i) grads[i].mul_(recipe_.clip / report.grad_norm);
  }
  report.rate_scale = rate_scale(recipe_, decay_, steps_done_);
  optimizer_.step(weights_, grads, report.rate_scale, threads);
  share_weights();
  ++steps_done_;
  samples_seen_ += recipe_.batch;
  return report;
}

/// Every process gets what the others have updated.
void Trainer::share_weights() {
  std::vector<std::vector<torch::Tensor>> of_owner(static_cast<size_t>(team_->size()));
  for (size_t i = 0; i < weights_.count(); ++i)
    of_owner[static_cast<size_t>(optimizer_.owner(i))].push_back(weights_.at(i));
  for (int owner = 0; owner < team_->size(); ++owner) team_->share(of_owner[static_cast<size_t>(owner)], owner);
}

LossSums Trainer::evaluate(const Objective& objective, const WindowBatch& batch, int threads) const {
  std::vector<LossSums> rows(static_cast<size_t>(batch.rows));
  run_side_by_side(threads, [&](int thread) {
    torch::NoGradGuard no_grad;
    for (int64_t row = thread; row < batch.rows; row += threads) {
      rows[static_cast<size_t>(row)] = sums_of(objective.loss(weights_, micro_batch(batch, row, 1)), 0);
    }
  });
  LossSums sums{.targets = batch.n_targets};
  for (const LossSums& row : rows) sums.add(row);
  return sums;
}

void Trainer::begin_stage() {
  steps_done_ = samples_seen_ = 0;
  decay_ = {};
}

}  // namespace adder
