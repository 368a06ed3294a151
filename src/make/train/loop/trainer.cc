#include "make/train/loop/trainer.h"

#include <cmath>

#include "make/train/loop/parallel.h"

namespace adder {

Trainer::Trainer(const Recipe& recipe, const ModelConfig& config, Windows windows, torch::Device device,
                 Precision precision)
    : recipe_(recipe),
      params_(config, torch::dtype(torch::kFloat32).device(device)),
      optimizer_(recipe, params_),
      windows_(std::move(windows)),
      device_(device),
      forward_{precision, recipe.chunk} {
  for (int64_t i = 0; i < recipe.lanes; ++i) lanes_.push_back(params_.lane());
}

/// Sum of the cross-entropies of `rows` windows from row `first`.
torch::Tensor Trainer::loss_sum(const Parameters& params, const WindowBatch& batch, int64_t first, int64_t rows) const {
  const auto part = [&](const auto& values, torch::ScalarType type) {
    auto* data = const_cast<void*>(static_cast<const void*>(values.data() + first * batch.length));
    return torch::from_blob(data, {rows, batch.length}, type).to(device_);
  };
  const torch::Tensor starts = batch.any_start ? part(batch.starts, torch::kUInt8).to(torch::kBool) : torch::Tensor();
  const torch::Tensor logits = forward(params, part(batch.tokens, torch::kInt64), starts, forward_);
  return at::cross_entropy_loss(logits.view({-1, logits.size(-1)}), part(batch.targets, torch::kInt64).view(-1), {},
                                at::Reduction::Sum, kNoTarget);
}

Result<StepReport> Trainer::step(int threads) {
  const WindowBatch batch = windows_.batch(samples_seen_, recipe_.batch);
  const int64_t n_lanes = recipe_.lanes, per_lane = recipe_.batch / n_lanes;
  std::vector<double> losses(static_cast<size_t>(n_lanes));
  const int side = static_cast<int>(std::min<int64_t>(threads, n_lanes));
  run_side_by_side(side, [&](int thread) {
    for (int64_t lane = thread; lane < n_lanes; lane += side) {
      Parameters& own = lanes_[static_cast<size_t>(lane)];
      for (torch::Tensor& value : own.values()) value.mutable_grad() = torch::Tensor();
      for (int64_t row = lane * per_lane; row < (lane + 1) * per_lane; row += recipe_.micro_batch) {
        const torch::Tensor loss =
            loss_sum(own, batch, row, recipe_.micro_batch) / static_cast<double>(batch.n_targets);
        loss.backward();
        losses[static_cast<size_t>(lane)] += loss.item<double>();
      }
    }
  });

  torch::NoGradGuard no_grad;
  StepReport report{.step = steps_done_ + 1};
  for (const double loss : losses) report.loss += loss;
  std::vector<torch::Tensor> grads;
  double square = 0;
  for (size_t i = 0; i < params_.values().size(); ++i) {
    torch::Tensor sum = lanes_[0].values()[i].grad();
    for (size_t lane = 1; lane < lanes_.size(); ++lane) sum.add_(lanes_[lane].values()[i].grad());
    const double norm = sum.norm().item<double>();
    square += norm * norm;
    grads.push_back(sum);
  }
  report.grad_norm = std::sqrt(square);
  if (!std::isfinite(report.loss) || !std::isfinite(report.grad_norm)) {
    return Error::corrupt("step {}: loss {} and gradient norm {} are not finite", report.step, report.loss,
                          report.grad_norm);
  }
  if (recipe_.clip > 0 && report.grad_norm > recipe_.clip) {
    for (torch::Tensor& grad : grads) grad.mul_(recipe_.clip / report.grad_norm);
  }
  report.rate_scale = rate_scale(recipe_, decay_, steps_done_);
  optimizer_.step(params_, grads, report.rate_scale, threads);
  ++steps_done_;
  samples_seen_ += recipe_.batch;
  return report;
}

Trainer::Loss Trainer::evaluate(const WindowBatch& batch, int threads) const {
  std::vector<double> sums(static_cast<size_t>(batch.rows));
  run_side_by_side(threads, [&](int thread) {
    torch::NoGradGuard no_grad;
    for (int64_t row = thread; row < batch.rows; row += threads) {
      sums[static_cast<size_t>(row)] = loss_sum(params_, batch, row, 1).item<double>();
    }
  });
  Loss loss{.targets = batch.n_targets};
  for (const double sum : sums) loss.nats += sum;
  return loss;
}

}  // namespace adder
