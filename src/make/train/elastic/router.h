#pragma once

#include "make/train/base/torch.h"

#include <vector>

#include "make/train/elastic/prefixes.h"
#include "make/train/loop/recipe_reader.h"

namespace adder {

/// [router] of a recipe.
struct RouterRecipe {
  int64_t width = 0;       ///< of the perceptrons' middle
  double init_std = 0;     ///< of their weights
  double router_rate = 0;  ///< peak learning rate; the model's warm-up and decay
  std::string mode;        ///< "soft": masks are staircases; "straight_through": those of the likeliest choice
  bool normalise = false;  ///< divide an axis' logits by their standard deviation
  /// Temperature tau, geometric from the first to the second over the run, and the factor lambda of the logits, linear.
  std::vector<double> temperatures, scales;

  template <class Self, class Visitor>
  static void visit(Self& r, Visitor&& v) {
    v("router", "width", r.width);
    v("router", "init_std", r.init_std);
    v("router", "learning_rate", r.router_rate);
    v("router", "mode", r.mode);
    v("router", "normalise", r.normalise);
    v("router", "temperature", r.temperatures);
    v("router", "scale", r.scales);
  }
};
void check(const RouterRecipe& recipe, RecipeReader& reader);

/// onehot(decision) + (pi - pi'), pi' without gradient: the forward pass is that of the one child, every choice gets a
/// gradient.
ChoiceWeights straight_through(const Decision& decision, const ChoiceWeights& pi);

/// Chooses a child for a budget (arXiv 2511.16664). An axis has a perceptron of its own, whose only input is the
/// budget:
///     z = W2 leaky_relu_0.1(W1 onehot(budget))          one logit for every choice, in every slot
///     pi = softmax((lambda_t z + g) / tau_t)            g = -log(-log U), Gumbel noise
/// U is keyed by the seed and the micro-batch's number in the whole run: how many lanes or processes share the work
/// changes nothing, and none but it is drawn from.
class Router {
 public:
  Router(const SearchSpace& space, int64_t n_budgets, const RouterRecipe& recipe, uint64_t seed, int64_t total_steps);

  /// W1 [width, budgets] and W2 [slots choices, width] of every axis, N(0, init_std).
  std::vector<torch::Tensor> initial_weights(torch::TensorOptions options) const;

  /// pi, or with the mode "straight_through" the likeliest child straight through.
  ChoiceWeights sample(const std::vector<torch::Tensor>& weights, int64_t budget, int64_t step, int64_t micro) const;

  /// What the router has come to: the likeliest choices, without noise.
  Decision decide(const std::vector<torch::Tensor>& weights, double budget) const;
  /// pi at the end of the schedules, without noise. `budget` may lie between two: 0.5 is halfway from the first to the
  /// second.
  ChoiceWeights probabilities(const std::vector<torch::Tensor>& weights, double budget) const;

  /// The logits z of every axis, without noise and schedules.
  ChoiceWeights scores(const std::vector<torch::Tensor>& weights, double budget) const;

  double temperature(int64_t step) const;
  double scale(int64_t step) const;

 private:
  torch::Tensor logits(const std::vector<torch::Tensor>& weights, size_t axis, double budget) const;
  torch::Tensor noise(size_t axis, int64_t micro, torch::TensorOptions options) const;
  double progress(int64_t step) const;

  std::array<int64_t, kRouterAxes> choices_, slots_;
  int64_t n_budgets_;
  RouterRecipe recipe_;
  uint64_t seed_;
  int64_t total_steps_;
};

}  // namespace adder
