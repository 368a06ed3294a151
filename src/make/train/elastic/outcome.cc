#include "make/train/elastic/outcome.h"

#include <fmt/ranges.h>

#include "core/arch/budget.h"

namespace adder {

int64_t parameters_of(const SearchSpace& space, const Decision& decision) {
  const auto config = child_config(space.parent, child_of(space, decision));
  CHECK(config, "a child of the search space is none: {}", config.error().message());
  return parameter_count(*config);
}

std::vector<BudgetOutcome> outcomes_of(const ElasticRecipe& recipe, const Elastic& elastic, const Weights& weights) {
  torch::NoGradGuard no_grad;
  std::vector<BudgetOutcome> outcomes;
  for (size_t b = 0; b < recipe.names.size(); ++b) {
    const Decision decision = elastic.decide(weights, static_cast<int64_t>(b));
    const ChoiceWeights pi = elastic.router().probabilities(weights.beside, static_cast<double>(b));
    BudgetOutcome outcome{recipe.names[b], recipe.fractions[b], elastic.fraction_of(decision)};
    outcome.child = child_of(elastic.space(), decision);
    outcome.parameters = parameters_of(elastic.space(), decision);
    for (size_t i = 0; i < kRouterAxes; ++i) {
      for (int64_t slot = 0; slot < pi[i].size(0); ++slot) {
        const int64_t chosen = decision[i][static_cast<size_t>(slot)];
        outcome.certainty[i].push_back(pi[i].select(0, slot).select(0, chosen).item<double>());
      }
    }
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

std::string to_text(const BudgetOutcome& outcome) {
  const ChildShape& c = outcome.child;
  return fmt::format(
      "{}: {:.3f} of the parent for {}, {} parameters: d_model {}, d_ff {}, {} Mamba heads, {} attention heads, "
      "without "
      "layers [{}]",
      outcome.name, outcome.fraction, outcome.budget, outcome.parameters, c.d_model, fmt::join(c.d_ff, " "),
      c.mamba_heads, c.attention_heads, fmt::join(c.dropped_layers, " "));
}

nlohmann::ordered_json to_json(const std::vector<BudgetOutcome>& outcomes) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const BudgetOutcome& outcome : outcomes) {
    nlohmann::ordered_json certainty;
    for (size_t i = 0; i < kRouterAxes; ++i) certainty[name(static_cast<RouterAxis>(i))] = outcome.certainty[i];
    list.push_back({{"name", outcome.name},
                    {"budget", outcome.budget},
                    {"fraction", outcome.fraction},
                    {"parameters", outcome.parameters},
                    {"child", to_json(outcome.child)},
                    {"certainty", std::move(certainty)}});
  }
  return list;
}

}  // namespace adder
