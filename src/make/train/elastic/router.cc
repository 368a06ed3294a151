#include "make/train/elastic/router.h"

#include <algorithm>
#include <cmath>

#include "core/base/rng.h"

namespace adder {
namespace {

constexpr uint64_t kNoiseKey = 0x526f75746572;  // apart from the seeds of data and weights
constexpr uint64_t kWeightsKey = 0x57656967687473;

RouterAxis axis_at(size_t i) {
  return static_cast<RouterAxis>(i);
}

Decision likeliest(const ChoiceWeights& weights) {
  Decision decision;
  for (size_t i = 0; i < kRouterAxes; ++i) {
    const torch::Tensor best = weights[i].detach().argmax(1).to(torch::kCPU);
    decision[i].assign(best.data_ptr<int64_t>(), best.data_ptr<int64_t>() + best.numel());
  }
  return decision;
}

}  // namespace

ChoiceWeights straight_through(const Decision& decision, const ChoiceWeights& pi) {
  ChoiceWeights weights;
  for (size_t i = 0; i < kRouterAxes; ++i) {
    const torch::Tensor still = pi[i].detach();
    const torch::Tensor chosen = torch::tensor(decision[i], torch::kInt64).to(still.device()).unsqueeze(1);
    weights[i] = at::zeros_like(still).scatter(1, chosen, 1) + (pi[i] - still);
  }
  return weights;
}

void check(const RouterRecipe& r, RecipeReader& reader) {
  reader.demand(r.width > 0 && r.init_std > 0, "router.width or router.init_std is 0");
  reader.demand(r.mode == "soft" || r.mode == "straight_through", "router.mode is not soft or straight_through");
  reader.demand(r.temperatures.size() == 2 && std::ranges::min(r.temperatures) > 0,
                "router.temperature is not two positive numbers");
  reader.demand(r.scales.size() == 2 && std::ranges::min(r.scales) > 0, "router.scale is not two positive numbers");
}

Router::Router(const SearchSpace& space, int64_t n_budgets, const RouterRecipe& recipe, uint64_t seed,
               int64_t total_steps)
    : n_budgets_(n_budgets), recipe_(recipe), seed_(seed), total_steps_(total_steps) {
  for (size_t i = 0; i < kRouterAxes; ++i) {
    choices_[i] = space.choices(axis_at(i));
    slots_[i] = space.slots(axis_at(i));
  }
}

std::vector<torch::Tensor> Router::initial_weights(torch::TensorOptions options) const {
  std::vector<torch::Tensor> weights;
  const auto add = [&](int64_t rows, int64_t columns) {
    Rng rng(seed_ ^ kWeightsKey, weights.size());
    std::vector<double> values(static_cast<size_t>(rows * columns));
    for (double& value : values) value = recipe_.init_std * static_cast<double>(rng.normal());
    weights.push_back(torch::tensor(values, torch::kFloat64).view({rows, columns}).to(options));
  };
  for (size_t i = 0; i < kRouterAxes; ++i) {
    add(recipe_.width, n_budgets_);
    add(slots_[i] * choices_[i], recipe_.width);
  }
  return weights;
}

double Router::progress(int64_t step) const {
  return std::clamp(static_cast<double>(step) / static_cast<double>(std::max<int64_t>(1, total_steps_ - 1)), 0.0, 1.0);
}
double Router::temperature(int64_t step) const {
  return recipe_.temperatures[0] * std::pow(recipe_.temperatures[1] / recipe_.temperatures[0], progress(step));
}
double Router::scale(int64_t step) const {
  return recipe_.scales[0] + (recipe_.scales[1] - recipe_.scales[0]) * progress(step);
}

torch::Tensor Router::logits(const std::vector<torch::Tensor>& weights, size_t axis, double budget) const {
  const torch::Tensor &w1 = weights[2 * axis], &w2 = weights[2 * axis + 1];
  const auto below = static_cast<int64_t>(std::floor(budget));
  const double part = budget - static_cast<double>(below);
  torch::Tensor hidden = w1.select(1, below);
  if (part > 0) hidden = hidden * (1 - part) + w1.select(1, below + 1) * part;
  const torch::Tensor z = at::mv(w2, at::leaky_relu(hidden, 0.1)).view({slots_[axis], choices_[axis]});
  if (!recipe_.normalise || choices_[axis] < 2) return z;
  return z / z.std(at::IntArrayRef{1}, true, true).clamp_min(1e-6);
}

torch::Tensor Router::noise(size_t axis, int64_t micro, torch::TensorOptions options) const {
  Rng rng(seed_ ^ kNoiseKey, static_cast<uint64_t>(micro) * kRouterAxes + axis);
  std::vector<double> values(static_cast<size_t>(slots_[axis] * choices_[axis]));
  for (double& value : values) value = -std::log(-std::log(rng.uniform_double() + 0x1p-54));
  return torch::tensor(values, torch::kFloat64).view({slots_[axis], choices_[axis]}).to(options);
}

ChoiceWeights Router::sample(const std::vector<torch::Tensor>& weights, int64_t budget, int64_t step,
                             int64_t micro) const {
  ChoiceWeights sampled;
  for (size_t i = 0; i < kRouterAxes; ++i) {
    const torch::Tensor z = logits(weights, i, static_cast<double>(budget)) * scale(step);
    const torch::Tensor g = noise(i, micro, z.options().requires_grad(false));
    sampled[i] = at::softmax((z + g) / temperature(step), -1);
  }
  return recipe_.mode == "soft" ? sampled : straight_through(likeliest(sampled), sampled);
}

ChoiceWeights Router::probabilities(const std::vector<torch::Tensor>& weights, double budget) const {
  ChoiceWeights pi;
  for (size_t i = 0; i < kRouterAxes; ++i) {
    pi[i] = at::softmax(logits(weights, i, budget) * recipe_.scales[1] / recipe_.temperatures[1], -1);
  }
  return pi;
}

ChoiceWeights Router::scores(const std::vector<torch::Tensor>& weights, double budget) const {
  ChoiceWeights z;
  for (size_t i = 0; i < kRouterAxes; ++i) z[i] = logits(weights, i, budget);
  return z;
}

Decision Router::decide(const std::vector<torch::Tensor>& weights, double budget) const {
  return likeliest(scores(weights, budget));
}

}  // namespace adder
