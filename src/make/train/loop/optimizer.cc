#include "make/train/loop/optimizer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "make/train/loop/parallel.h"

namespace adder {

Optimizer::Optimizer(const RunRecipe& recipe, const Weights& weights, int rank, int size) : recipe_(recipe) {
  for (size_t i = 0; i < weights.model.specs().size(); ++i) {
    const TensorSpec& spec = weights.model.specs()[i];
    const bool decays = spec.is_matrix && spec.role != Role::kEmbedding;
    const bool by_muon = decays && spec.role != Role::kOutput && recipe.optimizer == "muon";
    slots_.push_back(
        {by_muon ? Kind::kMuon : Kind::kAdamW, decays, by_muon ? recipe.matrix_rate : recipe.learning_rate});
  }
  slots_.resize(weights.count(), {Kind::kAdamW, false, weights.beside_rate});
  std::vector<size_t> largest_first(slots_.size());
  std::iota(largest_first.begin(), largest_first.end(), size_t{0});
  std::ranges::stable_sort(largest_first, std::greater<>(), [&](size_t i) { return weights.at(i).numel(); });
  std::vector<int64_t> shares(static_cast<size_t>(size));
  for (const size_t i : largest_first) {
    const auto least = std::ranges::min_element(shares);
    *least += weights.at(i).numel();
    slots_[i].owner = static_cast<int>(least - shares.begin());
    if (slots_[i].owner != rank) continue;
    own_.push_back(i);
    slots_[i].momentum = at::zeros_like(weights.at(i));
    if (slots_[i].kind == Kind::kAdamW) slots_[i].variance = at::zeros_like(weights.at(i));
  }
}

torch::Tensor orthogonalise(const torch::Tensor& matrix) {
  const bool tall = matrix.size(0) > matrix.size(1);
  torch::Tensor x = tall ? matrix.t().contiguous() : matrix.clone();
  x.div_(x.norm().add_(1e-7));
  for (int i = 0; i < 5; ++i) {
    const torch::Tensor gram = at::mm(x, x.t());
    const torch::Tensor poly = at::addmm(gram, gram, gram, -4.7750, 2.0315);
    x = at::addmm(x, poly, x, 3.4445, 1);
  }
  return tall ? x.t() : x;
}

void Optimizer::update(torch::Tensor& value, const torch::Tensor& grad, Slot& slot, double scale) const {
  const double decay = slot.decays ? recipe_.weight_decay : 0, rate = slot.rate * scale;
  if (slot.kind == Kind::kMuon) {
    constexpr double kMomentum = 0.95;
    slot.momentum.mul_(kMomentum).add_(grad);
    const torch::Tensor direction = orthogonalise(at::add(grad, slot.momentum, kMomentum));
    const double size = 0.2 * std::sqrt(static_cast<double>(std::max(value.size(0), value.size(1))));
    value.mul_(1 - rate * decay).add_(direction, -rate * size);
    return;
  }
  const double n = static_cast<double>(steps_taken_);
  const double correct1 = 1 - std::pow(recipe_.beta1, n), correct2 = 1 - std::pow(recipe_.beta2, n);
  slot.momentum.mul_(recipe_.beta1).add_(grad, 1 - recipe_.beta1);
  slot.variance.mul_(recipe_.beta2).addcmul_(grad, grad, 1 - recipe_.beta2);
  const torch::Tensor spread = (slot.variance / correct2).sqrt_().add_(1e-8);
  value.mul_(1 - rate * decay).addcdiv_(slot.momentum, spread, -rate / correct1);
}

void Optimizer::step(Weights& weights, const std::vector<torch::Tensor>& grads, double scale, int threads) {
  ++steps_taken_;
  std::atomic<size_t> next{0};
  run_side_by_side(threads, [&](int) {
    torch::NoGradGuard no_grad;
    for (size_t i = next++; i < own_.size(); i = next++) {
      const size_t which = own_[i];
      update(weights.at(which), grads[which], slots_[which], scale);
    }
  });
}

std::vector<std::pair<std::string, torch::Tensor*>> Optimizer::state() {
  std::vector<std::pair<std::string, torch::Tensor*>> all;
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].momentum.defined()) all.emplace_back(fmt::format("momentum.{}", i), &slots_[i].momentum);
    if (slots_[i].variance.defined()) all.emplace_back(fmt::format("variance.{}", i), &slots_[i].variance);
  }
  return all;
}

}  // namespace adder
