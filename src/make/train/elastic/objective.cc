#include "make/train/elastic/objective.h"

#include <numeric>

#include "core/base/rng.h"
#include "make/train/data/windows.h"
#include "make/train/elastic/fit.h"

namespace adder {
namespace {

constexpr uint64_t kBudgetKey = 0x427564676574;  // apart from the seeds of data, weights and noise

}  // namespace

torch::Tensor budget_penalty(const torch::Tensor& cost, double full, double fraction, double dead_zone,
                             const ChoiceWeights& weights) {
  const torch::Tensor miss = (cost / (fraction * full) - 1).abs();
  if (fraction < 1) return miss.item<double>() < dead_zone ? miss * 0 : miss;
  torch::Tensor away = at::zeros({}, miss.options().requires_grad(false));
  for (const torch::Tensor& weight : weights) {
    torch::Tensor whole = at::zeros_like(weight);
    whole.select(1, 0).fill_(1);
    away = away + at::mse_loss(weight, whole).to(torch::kFloat64);
  }
  return miss + away * 10;
}

Elastic::Elastic(const ElasticRecipe& recipe, const SearchSpace& space, Cost cost, Distillation distillation,
                 torch::TensorOptions options)
    : recipe_(recipe),
      prefixes_(space, options),
      router_(space, std::ssize(recipe.fractions), recipe, recipe.seed, recipe.total_steps),
      cost_(std::move(cost)),
      full_(cost_(sizes_of(space.parent)).item<double>()),
      distillation_(std::move(distillation)),
      options_(options) {}

int64_t Elastic::draw_budget(int64_t micro) const {
  Rng rng(recipe_.seed ^ kBudgetKey, static_cast<uint64_t>(micro));
  const double all = std::accumulate(recipe_.shares.begin(), recipe_.shares.end(), 0.0);
  double left = all * rng.uniform_double();
  int64_t budget = 0;
  while (budget + 1 < std::ssize(recipe_.shares) && left >= recipe_.shares[static_cast<size_t>(budget)]) {
    left -= recipe_.shares[static_cast<size_t>(budget++)];
  }
  return budget;
}

HeadLoss Elastic::loss(const Weights& weights, const MicroBatch& micro) const {
  const int64_t budget = draw_budget(micro.index);
  const bool settled = is_settled(micro.step);
  const ChoiceWeights sampled = router_.sample(weights.beside, budget, micro.step, micro.index);
  const Masks masks = prefixes_.masks(settled ? straight_through(decide(weights, budget), sampled) : sampled);
  HeadLoss loss = distillation_.masked_loss(weights.model, &masks, micro);
  const double dead_zone = recipe_.dead_zone[settled ? 1 : 0];
  const torch::Tensor penalty = budget_penalty(cost_(sizes_of(space(), sampled)), full_,
                                               recipe_.fractions[static_cast<size_t>(budget)], dead_zone, sampled);
  const double counted = micro.targets.ne(kNoTarget).sum().item<double>();
  loss.total = loss.total + (penalty * (recipe_.lambda * counted)).to(loss.total.options().requires_grad(false));
  return loss;
}

Masks Elastic::masks_of(const Decision& decision) const {
  return prefixes_.masks(one_hot(space(), decision, options_));
}

Decision Elastic::decide(const Weights& weights, int64_t budget) const {
  torch::NoGradGuard no_grad;
  const double fraction = recipe_.fractions[static_cast<size_t>(budget)];
  if (fraction == 1) return router_.decide(weights.beside, static_cast<double>(budget));
  const auto cost = [&](const Decision& decision) { return fraction_of(decision); };
  return fit(space(), router_.scores(weights.beside, static_cast<double>(budget)), cost, fraction);
}

double Elastic::fraction_of(const Decision& decision) const {
  return cost_(sizes_of(space(), one_hot(space(), decision, torch::kFloat64))).item<double>() / full_;
}

std::string Elastic::remark(const Weights& weights, int64_t step) const {
  std::string text = fmt::format("tau {:.3f}", router_.temperature(step));
  for (size_t i = 0; i < recipe_.names.size(); ++i) {
    const Decision decision = router_.decide(weights.beside, static_cast<double>(i));
    text += fmt::format("  {} {:.3f}", recipe_.names[i], fraction_of(decision));
  }
  return text;
}

}  // namespace adder
