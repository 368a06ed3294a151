#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "make/train/elastic/objective.h"

namespace adder {

/// What the router came to for one budget.
struct BudgetOutcome {
  std::string name;
  double budget = 0, fraction = 0;  ///< asked for and reached, of the parent's cost
  int64_t parameters = 0;
  ChildShape child;
  std::array<std::vector<double>, kRouterAxes> certainty;  ///< probability of the choice, without noise; [slots]
};

/// Of the child that was decided on.
int64_t parameters_of(const SearchSpace& space, const Decision& decision);

std::vector<BudgetOutcome> outcomes_of(const ElasticRecipe& recipe, const Elastic& elastic, const Weights& weights);

/// "small: 0.452 of the parent for 0.45: d_model 192 of 224, ..."
std::string to_text(const BudgetOutcome& outcome);
nlohmann::ordered_json to_json(const std::vector<BudgetOutcome>& outcomes);

}  // namespace adder
